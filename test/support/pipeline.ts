import { createHmac } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../core/config/config.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import { parseConfig } from '../../core/mirror-yaml/parse.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { type LocalStack, type LocalStackOptions, startLocalStack } from '../../local/stack.ts';
import { pushImage, type SeededImage, type SeededIndex } from './seeded-image.ts';

/** A job as the API shows it, as far as tests look at it. */
export interface ApiJob {
  id: string;
  image: string;
  state: string;
  trigger: string;
  attempts: number;
  digest?: string;
  lagMs?: number;
  notBefore?: string;
  progress?: Record<string, number>;
  transfer?: Record<'copied' | 'mounted' | 'present', { blobs: number; bytes: number }>;
  error?: { code: string; side: string; message: string; remedy: string };
}

/** An upstream registry, the local stack that mirrors it, and what a user does with them. */
export interface Pipeline extends AsyncDisposable {
  upstream: EmbeddedRegistry;
  stack: LocalStack;
  api: string;
  /** What the functions have logged. */
  logs(): string;
  push(repository: string, tag: string, image: SeededImage | SeededIndex): Promise<void>;
  /** Sends a signed delivery as GitHub does. */
  github(repository: string, tag: string): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  get(path: string): Promise<Response>;
  job(id: string): Promise<ApiJob>;
  /** The job when it is in one of the states; fails after a minute. */
  jobIn(id: string, ...states: string[]): Promise<ApiJob>;
  /** Pushes, sends the webhook and waits for the job's end. */
  mirror(repository: string, tag: string, image: SeededImage | SeededIndex): Promise<ApiJob>;
  mapping(image: string): Promise<Mapping | undefined>;
}

const patienceMs = 60_000;

/** A configuration whose three upstreams are the same loopback registry. */
export function pipelineConfig(upstream: string): Config {
  const parsed = parseConfig(`
version: 1
mirror: { regions: [eu-west-1], repositoryPrefix: mirror }
upstreams:
  - registry: ghcr.io
    endpoint: ${upstream}
    webhook: { source: github }
    repositories:
      - { match: "acme/filtered", platforms: [linux/amd64] }
      - { match: "acme/**", tags: { exclude: ["*-rc*"] } }
  - registry: docker.io
    endpoint: ${upstream}
    webhook: { source: dockerhub, name: hub }
    repositories: [{ match: "library/*" }]
  - registry: ${new URL(upstream).host}
    endpoint: ${upstream}
    webhook: { source: distribution }
    repositories: [{ match: "**" }]
`);
  if (!parsed.ok) throw new Error(parsed.errors.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  return parsed.config;
}

/** Starts both; `await using` stops them. */
export async function startPipeline({
  configure = pipelineConfig,
  ...options
}: Partial<LocalStackOptions> & { configure?: typeof pipelineConfig } = {}): Promise<Pipeline> {
  const upstream = await startRegistry({ flavour: 'distribution' });
  const log = new PassThrough();
  const lines: Buffer[] = [];
  log.on('data', (chunk: Buffer) => lines.push(chunk));
  const config = configure(upstream.endpoint);
  const stack = await startLocalStack({ config, log, retrySeconds: 0, reconcileMs: 0, ...options });
  const { api, webhooks } = stack.ready;
  const get = (path: string) => fetch(`${api}${path}`);
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${api}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const job = async (id: string) => (await (await get(`/v1/jobs/${id}`)).json()) as ApiJob;
  const pipeline: Pipeline = {
    upstream,
    stack,
    api,
    logs: () => Buffer.concat(lines).toString('utf8'),
    push: (repository, tag, image) => pushImage(upstream.endpoint, repository, tag, image),
    github: (repository, tag) => {
      const body = JSON.stringify(githubPayload(repository, tag));
      return post('/webhooks/github', body, githubHeaders(body, webhooks.github?.secret ?? ''));
    },
    post,
    get,
    job,
    async jobIn(id, ...states) {
      const until = Date.now() + patienceMs;
      for (;;) {
        const now = await job(id);
        if (states.includes(now.state)) return now;
        if (Date.now() > until) {
          throw new Error(
            `job ${id} is not ${states.join(' or ')} but ${JSON.stringify(now)}\n${pipeline.logs()}`,
          );
        }
        await sleep(25);
      }
    },
    async mirror(repository, tag, image) {
      await pipeline.push(repository, tag, image);
      const answer = await pipeline.github(repository, tag);
      const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
      return pipeline.jobIn(accepted[0]?.job ?? '', 'committed', 'failed', 'superseded', 'satisfied');
    },
    async mapping(image) {
      const answer = await get(`/v1/mappings?image=${encodeURIComponent(image)}`);
      return answer.status === 200 ? ((await answer.json()) as Mapping) : undefined;
    },
    async [Symbol.asyncDispose]() {
      await stack.stop();
      await upstream.stop();
    },
  };
  return pipeline;
}

/** What GitHub sends for a container that was pushed. */
export function githubPayload(repository: string, tag: string) {
  const [namespace = '', ...name] = repository.split('/');
  return {
    action: 'published',
    package: {
      name: name.join('/'),
      namespace,
      owner: { login: namespace },
      package_type: 'CONTAINER',
      package_version: { version: 'sha256:0', container_metadata: { tag: { name: tag, digest: '' } } },
    },
  };
}

/** The headers of a delivery of GitHub, signed with the webhook's secret. */
export function githubHeaders(body: string, secret: string): Record<string, string> {
  return {
    'x-github-event': 'package',
    'x-github-delivery': 'd-1',
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  };
}
