import { setTimeout as sleep } from 'node:timers/promises';
import { deriveSecret } from '../../core/webhooks/secrets/secrets.ts';
import { githubHeaders, githubPayload } from '../support/pipeline.ts';
import type { ApiAnswer, Deployment } from './deployment.ts';

/** What the API answers for a mirrored image, as far as tests read it. */
export interface Mapping {
  mirror: string;
  digest: string;
  pinned: string;
}

/** A job, as far as tests read it. */
export interface Job {
  state: string;
  transfer?: unknown;
}

/**
 * What people have been given once: a reader's token and the secret of GitHub's webhook. They do
 * not change when the stack does.
 */
export interface Keys {
  token: string;
  secret: string;
}

/** The keys that a deployment gives out now. */
export async function keysOf(stack: Deployment): Promise<Keys> {
  return {
    token: deriveSecret(await stack.rootOf('ApiSecretArn'), 'token:reader'),
    secret: deriveSecret(await stack.rootOf('WebhookSecretArn'), 'webhook:github'),
  };
}

/** Asks for a mapping with the reader's token. */
export async function mappingOf(stack: Deployment, image: string, { token }: Keys): Promise<ApiAnswer> {
  return await stack.api('GET', `/v1/mappings?image=${encodeURIComponent(image)}`, {
    headers: { authorization: `Bearer ${token}` },
  });
}

/** Sends a delivery as GitHub does, signed with the webhook's secret. */
export async function deliver(
  stack: Deployment,
  secret: string,
  repository: string,
  tag: string,
): Promise<ApiAnswer> {
  const body = JSON.stringify(githubPayload(repository, tag));
  const headers = { 'content-type': 'application/json', ...githubHeaders(body, secret) };
  return await stack.api('POST', '/webhooks/github', { headers, body });
}

/** The job's state, as soon as it is the awaited one. */
export async function jobIn(stack: Deployment, id: string, state: string, keys: Keys): Promise<Job> {
  return await until(`job ${id} is ${state}`, async () => {
    const { body } = await stack.api('GET', `/v1/jobs/${id}`, {
      headers: { authorization: `Bearer ${keys.token}` },
    });
    return { value: body as Job, is: (body as Job).state === state };
  });
}

/** Sends a delivery and waits for the mapping. @returns the job's id and the mapping */
export async function mirrored(
  stack: Deployment,
  repository: string,
  tag: string,
  keys: Keys,
): Promise<{ job: string; mapping: Mapping }> {
  const { status, body } = await deliver(stack, keys.secret, repository, tag);
  const job = (body as { accepted?: { job: string }[] }).accepted?.[0]?.job;
  if (status !== 202 || job === undefined) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
  await jobIn(stack, job, 'committed', keys);
  const answer = await mappingOf(stack, `ghcr.io/${repository}:${tag}`, keys);
  return { job, mapping: answer.body as Mapping };
}

/** Asks until it is so; a minute at most. */
async function until<T>(what: string, ask: () => Promise<{ value: T; is: boolean }>): Promise<T> {
  const end = Date.now() + 60_000;
  for (;;) {
    const { value, is } = await ask();
    if (is) return value;
    if (Date.now() > end) throw new Error(`not after a minute: ${what}: ${JSON.stringify(value)}`);
    await sleep(100);
  }
}
