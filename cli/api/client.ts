import type * as z from 'zod';
import type { ExportFilter } from '../../core/exports/export.ts';
import type { Change, JobState } from '../../core/jobs/record.ts';
import type { History } from '../../core/mapping/history.ts';
import type { Resolved } from '../../core/mapping/lookup.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import type { Requested } from '../../core/reconcile/request.ts';
import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import type { AdmissionAddress } from '../../lambda/api/admission.ts';
import type { ReconcileState } from '../../lambda/api/reconcile.ts';
import type { Redriven } from '../../lambda/api/redrive.ts';
import type { RetentionPass } from '../../lambda/api/retention.ts';
import type { Savings } from '../../lambda/api/savings.ts';
import type { Status } from '../../lambda/api/status.ts';
import type { Job } from './answers.ts';
import * as answers from './answers.ts';
import { type ApiRequest, exchange } from './exchange.ts';
import { readJson, refusal } from './read-answer.ts';
import { remedyFor } from './remedies.ts';
import { RequestError } from './request-error.ts';

export type { SkippedJob } from '../../lambda/api/redrive.ts';
export type { Job } from './answers.ts';

/** Where Drayage's API is, and who asks. */
export interface ApiAddress {
  /** Without a slash at its end. */
  api: string;
  token?: string | undefined;
}

/** Which jobs to list. */
export interface JobFilter {
  states?: readonly JobState[] | undefined;
  image?: string | undefined;
  limit: number;
  cursor?: string | undefined;
}

/** Which jobs to try again; times are ISO 8601. */
export interface Redrive {
  state: 'failed' | 'waiting' | 'queued' | 'copying';
  image?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
  cursor?: string | undefined;
}

/** 100,000 mappings are 60 MB as JSON. */
const maxExportBytes = 512 * 1024 * 1024;
const exportTimeoutMs = 10 * 60_000;

/** A client of Drayage's own API. */
export class DrayageApi {
  readonly #address: ApiAddress;
  readonly #signal: AbortSignal | undefined;

  constructor(address: ApiAddress, signal?: AbortSignal) {
    this.#address = address;
    this.#signal = signal;
  }

  /** `GET /v1/webhooks` */
  async webhooks(): Promise<PresentedWebhook[]> {
    return (await this.#ask('GET', '/v1/webhooks', answers.webhooks)).webhooks;
  }

  /** `POST /v1/webhooks/{name}/rotate` */
  rotate(name: string, keepSeconds?: number): Promise<PresentedWebhook> {
    const body = keepSeconds === undefined ? {} : { keepSeconds };
    return this.#ask('POST', `/v1/webhooks/${encodeURIComponent(name)}/rotate`, answers.webhook, body);
  }

  /** `GET /v1/jobs/{id}` */
  job(id: string): Promise<Job> {
    return this.#ask('GET', `/v1/jobs/${encodeURIComponent(id)}`, answers.job);
  }

  /** `GET /v1/jobs`: one page, the newest first. */
  jobs({ states, image, limit, cursor }: JobFilter): Promise<{ jobs: Job[]; cursor?: string }> {
    const query = { state: states?.join(','), image, limit: `${limit}`, cursor };
    return this.#ask('GET', `/v1/jobs${queryOf(query)}`, answers.jobs);
  }

  /** `POST /v1/mirrors`: at most a hundred images, all or none. */
  async mirror(images: readonly string[]): Promise<Job[]> {
    return (await this.#ask('POST', '/v1/mirrors', answers.jobs, { images })).jobs;
  }

  /** `POST /v1/jobs/redrive`: one page of jobs, the newest first. */
  redrive(query: Redrive): Promise<Redriven> {
    return this.#ask('POST', '/v1/jobs/redrive', answers.redriven, query);
  }

  /** `POST /v1/reconcile`: of one repository, or of everything. */
  async reconcile(body: { repository?: string; dryRun?: boolean } = {}): Promise<Requested[]> {
    return (await this.#ask('POST', '/v1/reconcile', answers.reconcile, body)).requested;
  }

  /** `GET /v1/reconcile?registry=HOST&repository=NAME` */
  reconcileState({ registry, repository }: Requested): Promise<ReconcileState> {
    const query = queryOf({ registry, repository });
    return this.#ask('GET', `/v1/reconcile${query}`, answers.reconcileState);
  }

  /** `POST /v1/retention`: of one repository, or of everything. */
  startRetention(dryRun: boolean, repository?: string): Promise<RetentionPass> {
    return this.#ask('POST', '/v1/retention', answers.retention, { dryRun, repository });
  }

  /** `GET /v1/retention/{id}`: the pass, and some of its repositories. */
  retention(id: string, after?: string): Promise<RetentionPass> {
    return this.#ask(
      'GET',
      `/v1/retention/${encodeURIComponent(id)}${queryOf({ after })}`,
      answers.retention,
    );
  }

  /** `GET /v1/mappings?image=REF`; undefined for an image that is not mirrored. */
  async mapping(image: string, region?: string): Promise<Mapping | undefined> {
    return await unlessMissing(
      this.#ask('GET', `/v1/mappings${queryOf({ image, region })}`, answers.usableMapping),
    );
  }

  /** `POST /v1/mappings/resolve`: at most a thousand images. */
  resolve(images: readonly string[], region?: string): Promise<Resolved> {
    return this.#ask('POST', '/v1/mappings/resolve', answers.resolved, { images, region });
  }

  /** `GET /v1/mappings?registry=HOST`: some of a registry's mappings. */
  async mappingsOf(registry: string, limit: number): Promise<Mapping[]> {
    return (
      await this.#ask('GET', `/v1/mappings${queryOf({ registry, limit: `${limit}` })}`, answers.mappings)
    ).mappings;
  }

  /** `GET /v1/mappings`: one page of all mappings. */
  mappings({
    limit,
    cursor,
  }: Pick<JobFilter, 'limit' | 'cursor'>): Promise<{ mappings: Mapping[]; cursor?: string }> {
    return this.#ask('GET', `/v1/mappings${queryOf({ limit: `${limit}`, cursor })}`, answers.mappings);
  }

  /** `GET /v1/mappings/history?image=REF`; undefined for an image that was never mirrored. */
  async history(image: string): Promise<History | undefined> {
    return await unlessMissing(
      this.#ask('GET', `/v1/mappings/history${queryOf({ image })}`, answers.history),
    );
  }

  /**
   * `POST /v1/mappings/rollback`, `/pin` or `/unpin`: the job that does it; undefined for an image
   * that is not mirrored.
   */
  async change(image: string, { kind, ...more }: Change): Promise<Job | undefined> {
    const path = `/v1/mappings/${kind}`;
    const queued = await unlessMissing(this.#ask('POST', path, answers.jobs, { image, ...more }));
    return queued?.jobs[0];
  }

  /** `GET /v1/admission` */
  admission(): Promise<AdmissionAddress> {
    return this.#ask('GET', '/v1/admission', answers.admission);
  }

  /** `GET /v1/status` */
  status(): Promise<Status> {
    return this.#ask('GET', '/v1/status', answers.status);
  }

  /** `GET /v1/savings`: of the latest days, the oldest first. */
  savings(days: number): Promise<Savings> {
    return this.#ask('GET', `/v1/savings${queryOf({ days: `${days}` })}`, answers.savings);
  }

  /** `GET /v1/exports/{format}`: its text, which is stored elsewhere if it is long. */
  async export(format: string, filter: ExportFilter): Promise<string> {
    return (await this.exportUnless(format, filter, undefined))?.text ?? '';
  }

  /**
   * The same, with its entity tag.
   *
   * @param known the tag of the text that the caller has; undefined: none
   * @returns undefined if that text is the current one
   */
  async exportUnless(
    format: string,
    filter: ExportFilter,
    known: string | undefined,
  ): Promise<{ text: string; etag?: string } | undefined> {
    const path = `/v1/exports/${encodeURIComponent(format)}${queryOf({ ...filter })}`;
    const request = this.#request('GET', path);
    const limits = { maxBytes: maxExportBytes, timeoutMs: exportTimeoutMs };
    return await this.#explained(request, async () => {
      const condition = known !== undefined && { 'if-none-match': known };
      const headers = { ...request.headers, ...condition, accept: '*/*' };
      const answer = await exchange({ ...request, ...limits, headers });
      if (known !== undefined && answer.status === 304) return undefined;
      const etag = answer.headers.get('etag');
      const tagged = (text: string) => (etag === null ? { text } : { text, etag });
      const location = answer.status === 302 ? answer.headers.get('location') : null;
      if (location === null) {
        if (answer.status !== 200) throw refusal(request, answer);
        return tagged(answer.text);
      }
      // The address is signed; the token is not for the store that it leads to.
      const stored: ApiRequest = { method: 'GET', url: new URL(location, request.url), signal: this.#signal };
      const object = await exchange({ ...stored, ...limits, headers: { accept: '*/*' } });
      if (object.status !== 200) throw refusal(stored, object);
      return tagged(object.text);
    });
  }

  async #ask<T>(method: 'GET' | 'POST', path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> {
    const request = this.#request(method, path, body);
    return await this.#explained(request, async () => {
      const answer = await exchange(request);
      if (answer.status === 200 || answer.status === 202) return readJson(request, answer, schema);
      throw refusal(request, answer);
    });
  }

  #request(method: 'GET' | 'POST', path: string, body?: unknown): ApiRequest {
    const { api, token } = this.#address;
    return {
      method,
      url: new URL(`${api}${path}`),
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      secrets: token === undefined ? [] : [token],
      body,
      signal: this.#signal,
    };
  }

  /** Adds what helps to the error of a request. */
  async #explained<T>(request: ApiRequest, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      const remedy = remedyFor(error, request, this.#address.token === undefined ? 'anonymous' : 'token');
      throw remedy === undefined ? error : error.withRemedy(remedy);
    }
  }
}

/** `?name=value&…`, without those that are absent; empty if all are. */
function queryOf(parameters: Record<string, string | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  const pairs = given.map(([name, value = '']) => `${name}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RequestError && error.code === 'not_mirrored') return undefined;
    throw error;
  }
}
