import * as z from 'zod';
import type { presentJob } from '../../core/jobs/record.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import { internalAddress } from '../../core/registry/transport/addresses.ts';
import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import { type ApiRequest, exchange } from './exchange.ts';
import { readJson, refusal } from './read-answer.ts';
import { RequestError } from './request-error.ts';

/** A job as the API returns it. */
export type Job = ReturnType<typeof presentJob>;

/** Where Drayage's API is, and who asks. */
export interface ApiAddress {
  /** Without a slash at its end. */
  api: string;
  token?: string | undefined;
}

/**
 * Checks only that a value is an object and has the fields that the code here relies on: the API
 * has our own version or a newer one.
 */
function having<T>(shape: z.ZodRawShape): z.ZodType<T> {
  return z.looseObject(shape) as unknown as z.ZodType<T>;
}

const webhook = having<PresentedWebhook>({
  name: z.string(),
  registry: z.string(),
  source: z.string(),
  title: z.string(),
  url: z.url(),
  secret: z.string().optional(),
  authentication: z.looseObject({ kind: z.string(), header: z.string().optional(), description: z.string() }),
  where: z.string(),
  steps: z.array(z.string()),
  repositories: z.array(z.string()),
  options: z.record(z.string(), z.unknown()),
});
const job = having<Job>({ id: z.string(), image: z.string(), state: z.string() });
const mapping = having<Mapping>({ image: z.string(), sourceDigest: z.string(), mediaType: z.string() });

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
    return (await this.#ask('GET', '/v1/webhooks', z.object({ webhooks: z.array(webhook) }))).webhooks;
  }

  /** `POST /v1/webhooks/{name}/rotate` */
  rotate(name: string, keepSeconds?: number): Promise<PresentedWebhook> {
    const body = keepSeconds === undefined ? {} : { keepSeconds };
    return this.#ask('POST', `/v1/webhooks/${encodeURIComponent(name)}/rotate`, webhook, body);
  }

  /** `GET /v1/jobs/{id}` */
  job(id: string): Promise<Job> {
    return this.#ask('GET', `/v1/jobs/${encodeURIComponent(id)}`, job);
  }

  /** `GET /v1/mappings?image=REF`; undefined for an image that is not mirrored. */
  async mapping(image: string): Promise<Mapping | undefined> {
    try {
      return await this.#ask('GET', `/v1/mappings?image=${encodeURIComponent(image)}`, mapping);
    } catch (error) {
      if (error instanceof RequestError && error.code === 'not_mirrored') return undefined;
      throw error;
    }
  }

  /** `GET /v1/mappings?registry=HOST`: some of a registry's mappings. */
  async mappingsOf(registry: string, limit: number): Promise<Mapping[]> {
    const path = `/v1/mappings?registry=${encodeURIComponent(registry)}&limit=${limit}`;
    return (await this.#ask('GET', path, z.object({ mappings: z.array(mapping) }))).mappings;
  }

  async #ask<T>(method: 'GET' | 'POST', path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> {
    const { api, token } = this.#address;
    const request: ApiRequest = {
      method,
      url: new URL(`${api}${path}`),
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      secrets: token === undefined ? [] : [token],
      body,
      signal: this.#signal,
    };
    try {
      const answer = await exchange(request);
      if (answer.status === 200) return readJson(request, answer, schema);
      throw refusal(request, answer);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      const remedy = remedyFor(error, request, token === undefined ? 'anonymous' : 'token');
      throw remedy === undefined ? error : error.withRemedy(remedy);
    }
  }
}

const address = 'the stack’s output ApiUrl, or what drayage local prints as "api"';

function remedyFor(
  error: RequestError,
  { method, url }: ApiRequest,
  sent: 'token' | 'anonymous',
): string | undefined {
  const { status, code, problem, remedy } = error;
  const which = method === 'GET' ? 'the reader’s or operator’s token' : 'the operator’s token';
  if (problem !== undefined)
    return problem === 'refused' && internalAddress(url.hostname) === 'loopback'
      ? 'start drayage local, and use the address that it prints as "api" (the port changes at each start unless you give --port)'
      : remedy;
  if (status === 401)
    return sent === 'token'
      ? `the token is not valid for this deployment: pass ${which} with --token or DRAYAGE_TOKEN, and check --api`
      : `pass ${which} with --token or DRAYAGE_TOKEN`;
  if (status === 403) return 'this needs the operator’s token: pass it with --token or DRAYAGE_TOKEN';
  if (
    status === undefined ||
    (status === 404 && (code === undefined || url.pathname.endsWith('/v1/webhooks')))
  )
    return `there is no Drayage API at this address: check --api (${address})`;
  if (status >= 300 && status < 400) return `check --api (${address})`;
  if (status >= 500) return 'try again; if it keeps failing, check the logs of the API function';
  if (code === 'conflict')
    return 'look at what is there now (drayage webhooks list), and try again if necessary';
  return remedy;
}
