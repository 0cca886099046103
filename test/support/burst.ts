import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'undici';
import type { RequestRecord } from '../../local/ecr/server.ts';
import { type ApiJob, githubHeaders, githubPayload, type Pipeline } from './pipeline.ts';
import { seededImage } from './seeded-image.ts';

/** How a burst of deliveries is made. */
export interface BurstOptions {
  deliveries: number;
  connections: number;
  /**
   * Different tags, spread over ten repositories. The deliveries name them in turn, so the rest are
   * duplicates.
   */
  tags: number;
  /** Whether deliveries include the digest, as GitHub's do. */
  tellDigest: boolean;
  /** Where they go; the pipeline's own API by default. */
  api?: string;
  /** Called with the number of deliveries that were answered. */
  onAnswer?: (answered: number) => void;
}

/** One answered delivery. */
export interface Delivery {
  status: number;
  ms: number;
  image: string;
  jobs: string[];
}

const image = seededImage({ seed: 'burst', layers: [{ size: 200 }] });

/** The image that the delivery with this number names. */
function tagOf(index: number): { repository: string; tag: string } {
  return { repository: `acme/burst-${index % 10}`, tag: `v${index}` };
}

/** Pushes every tag that a burst names. */
export async function pushBurst(pipeline: Pipeline, tags: number): Promise<void> {
  for (let index = 0; index < tags; index++) {
    const { repository, tag } = tagOf(index);
    await pipeline.push(repository, tag, image);
  }
}

/** Sends a burst of GitHub deliveries; each connection sends one after the other. */
export async function sendBurst(pipeline: Pipeline, options: BurstOptions): Promise<Delivery[]> {
  const { deliveries, connections, tags, tellDigest, api = pipeline.api, onAnswer } = options;
  const secret = pipeline.stack.ready.webhooks.github?.secret ?? '';
  const answered: Delivery[] = [];
  let next = 0;
  const work = async () => {
    const client = new Client(api);
    while (next < deliveries) {
      const { repository, tag } = tagOf(next++ % tags);
      const payload = githubPayload(repository, tag);
      if (tellDigest) payload.package.package_version.container_metadata.tag.digest = image.manifest.digest;
      const body = JSON.stringify(payload);
      const started = performance.now();
      const answer = await client.request({
        method: 'POST',
        path: '/webhooks/github',
        headers: { 'content-type': 'application/json', ...githubHeaders(body, secret) },
        body,
      });
      const { accepted = [] } = (await answer.body.json()) as { accepted?: { job: string }[] };
      answered.push({
        status: answer.statusCode,
        ms: performance.now() - started,
        image: `ghcr.io/${repository}:${tag}`,
        jobs: accepted.map(({ job }) => job),
      });
      onAnswer?.(answered.length);
    }
    await client.close();
  };
  await Promise.all(Array.from({ length: connections }, work));
  return answered;
}

/**
 * Waits until every job has ended, and returns the jobs.
 *
 * @throws when one has not ended after that time
 */
export async function endOfJobs(pipeline: Pipeline, ids: string[], withinMs: number): Promise<ApiJob[]> {
  const until = Date.now() + withinMs;
  const left = new Set(ids);
  const ended: ApiJob[] = [];
  while (left.size > 0) {
    for (const id of [...left].slice(0, 200)) {
      const job = await pipeline.job(id);
      if (['queued', 'waiting', 'copying'].includes(job.state)) continue;
      left.delete(id);
      ended.push(job);
    }
    if (left.size > 0) {
      if (Date.now() > until)
        throw new Error(
          `${left.size} of ${ids.length} jobs have not ended, such as ${JSON.stringify(await pipeline.job([...left][0] ?? ''))}`,
        );
      await sleep(100);
    }
  }
  return ended;
}

/** How often the upstream was asked for the manifest of each tag. */
export function looksByTag(requests: readonly RequestRecord[]): Map<string, number> {
  const looks = new Map<string, number>();
  for (const { path } of requests) {
    const [, tag] = /^\/v2\/(.+\/manifests\/v\d+)$/.exec(path) ?? [];
    if (tag !== undefined) looks.set(tag, (looks.get(tag) ?? 0) + 1);
  }
  return looks;
}
