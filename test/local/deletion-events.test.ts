import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Config } from '../../core/config/config.ts';
import { type Pipeline, pipelineConfig, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 1_000 }] });

/** The upstream whose sender reports deletions; one of its rules follows them. */
function configure(endpoint: string): Config {
  const config = pipelineConfig(endpoint);
  const upstream = config.upstreams.at(-1);
  const [usual] = upstream?.repositories ?? [];
  if (!upstream || !usual) throw new Error('no rule');
  const unmap = { ...usual, match: 'team/*', deleted: 'unmap' as const };
  return { ...config, upstreams: [{ ...upstream, repositories: [unmap, usual] }] };
}

let pipeline: Pipeline;
let registry: string;
beforeAll(async () => {
  pipeline = await startPipeline({ configure });
  registry = new URL(pipeline.upstream.endpoint).host;
});
afterAll(() => pipeline?.[Symbol.asyncDispose]());

interface Answer {
  accepted: { image: string; job: string }[];
  ignored: { image?: string; reason: string }[];
}

/** Delivers an event of the registry, as its notifications have it. */
async function deliver(action: string, target: Record<string, string>): Promise<Answer> {
  const authorization = pipeline.stack.ready.webhooks.distribution?.secret ?? '';
  const events = [{ action, target, request: { host: registry } }];
  const answer = await pipeline.post('/webhooks/distribution', { events }, { authorization });
  expect(answer.status).toBe(202);
  return (await answer.json()) as Answer;
}

async function mirrored(repository: string, tag: string, seed: string): Promise<void> {
  await pipeline.push(repository, tag, image(seed));
  const { mediaType } = image(seed).manifest;
  const { accepted } = await deliver('push', { mediaType, repository, tag });
  expect(await pipeline.jobIn(accepted[0]?.job ?? '', 'committed', 'failed')).toMatchObject({
    state: 'committed',
  });
}

const remove = async (repository: string, seed: string) => {
  const url = `${pipeline.upstream.endpoint}/v2/${repository}/manifests/${image(seed).manifest.digest}`;
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(202);
};
const isMapped = async (name: string) => (await pipeline.mapping(`${registry}/${name}`)) !== undefined;

it('removes the mappings of a deleted manifest, and of nothing else', async () => {
  await mirrored('team/app', '1', 'gone');
  await mirrored('team/app', 'also', 'gone');
  await mirrored('team/app', '2', 'stays');
  await remove('team/app', 'gone');
  const { digest } = image('gone').manifest;
  const { accepted, ignored } = await deliver('delete', { repository: 'team/app', digest });
  expect([accepted.map((each) => each.image), ignored]).toEqual([[`${registry}/team/app@${digest}`], []]);
  expect(await pipeline.jobIn(accepted[0]?.job ?? '', 'satisfied', 'failed')).toMatchObject({
    state: 'satisfied',
    trigger: 'deletion',
    reason: { code: 'deleted_upstream' },
  });
  expect(await isMapped('team/app:1')).toBe(false);
  expect(await isMapped('team/app:also')).toBe(false);
  expect(await isMapped('team/app:2')).toBe(true);
  const history = await pipeline.get(`/v1/mappings/history?image=${registry}/team/app:1`);
  expect(await history.json()).toMatchObject({ history: [{ removed: { reason: 'deleted_upstream' } }] });
  // It comes back as any image does.
  await mirrored('team/app', '1', 'new');
  expect(await isMapped('team/app:1')).toBe(true);
});

it('believes the registry and not the event', async () => {
  await mirrored('team/app', '3', 'there');
  const { accepted } = await deliver('delete', { repository: 'team/app', tag: '3' });
  await pipeline.jobIn(accepted[0]?.job ?? '', 'satisfied');
  expect(await isMapped('team/app:3')).toBe(true);
});

it('is ignored where the rule keeps what is deleted', async () => {
  await mirrored('other/app', '1', 'kept');
  await remove('other/app', 'kept');
  const { accepted, ignored } = await deliver('delete', { repository: 'other/app', tag: '1' });
  expect(accepted).toEqual([]);
  expect(ignored).toEqual([
    {
      image: `${registry}/other/app:1`,
      reason: 'kept: the rule ** keeps what is deleted upstream (deleted: keep)',
    },
  ]);
  expect(await isMapped('other/app:1')).toBe(true);
});
