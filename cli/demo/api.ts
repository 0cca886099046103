import type { presentJob } from '../../core/jobs/record.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import { DemoFailure } from './facts.ts';

/** A job as the API tells it. */
export type Job = ReturnType<typeof presentJob>;

/** `GET /v1/jobs/{id}` */
export function getJob(api: string, id: string, signal?: AbortSignal): Promise<Job> {
  return getJson<Job>(`${api}/v1/jobs/${id}`, signal);
}

/** `GET /v1/mappings?image=REF` */
export function getMapping(api: string, image: string, signal?: AbortSignal): Promise<Mapping> {
  return getJson<Mapping>(`${api}/v1/mappings?image=${encodeURIComponent(image)}`, signal);
}

async function getJson<T>(url: string, signal?: AbortSignal): Promise<T> {
  const response = await fetch(url, { signal });
  const text = await response.text();
  if (response.status !== 200) throw new DemoFailure(`GET ${url} was answered ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}
