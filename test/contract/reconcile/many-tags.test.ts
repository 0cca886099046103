import { describe, expect, it, onTestFinished } from 'vitest';
import { policyFingerprint } from '../../../core/policy/fingerprint.ts';
import { mostQueued } from '../../../core/reconcile/room.ts';
import { reconcileDue } from '../../../core/reconcile/walk.ts';
import { RegistryClient } from '../../../core/registry/client.ts';
import type { TagApiChoice } from '../../../core/registry/listings/tag-api.ts';
import { upstreamLists } from '../../../lambda/reconcile/upstream-lists.ts';
import { MemoryReconcile, rulesConfig } from '../../support/memory-reconcile.ts';
import { startSimulatedUpstream } from '../../support/simulated-upstream.ts';

const day = 24 * 3_600_000;
const repository = 'acme/app';
const count = 5_000;

/** A repository of 5,000 tags, all mirrored, of which a rule selects 2,000. */
async function mirrored(tagApi?: (endpoint: string) => TagApiChoice) {
  const memory = new MemoryReconcile(rulesConfig(`{ match: ${repository}, tags: { include: ["v*"] } }`));
  const names = Array.from({ length: count }, (_, index) => `${index % 5 < 2 ? 'v' : 'build-'}${index}`);
  memory.push(repository, ...names);
  memory.backlog = () => memory.queue.sent.length % mostQueued;
  const upstream = await startSimulatedUpstream(memory.upstream);
  const client = new RegistryClient({
    registry: 'ghcr.io',
    endpoint: upstream.endpoint,
    side: 'upstream',
    tagApi: tagApi?.(upstream.endpoint),
  });
  onTestFinished(async () => {
    await client.close();
    await upstream[Symbol.asyncDispose]();
  });
  const upstreams = upstreamLists({
    client: () => client,
    listTags: (_, name, signal) => client.listTagsWithDigests(name, { signal }),
  });
  const rule = memory.config.upstreams[0]?.repositories[0];
  if (!rule) throw new Error('no rule');
  const round = async () => {
    memory.now = new Date(memory.now.getTime() + day);
    upstream.reset();
    const limits = { endsAt: memory.now.getTime() + 600_000, signal: new AbortController().signal };
    const walked = await reconcileDue({ ...memory.dependencies(), upstreams }, limits);
    return { ...walked, mirrored: memory.mirror(policyFingerprint(rule)) };
  };
  const first = await round();
  expect(first.mirrored).toHaveLength(2_000);
  return { memory, upstream, round };
}

describe('a repository of 5,000 tags', () => {
  it('takes fifty requests where the upstream lists digests', async () => {
    const { memory, upstream, round } = await mirrored((endpoint) => ({ kind: 'docker-hub', endpoint }));
    expect(await round()).toEqual({ repositories: 1, queued: 0, failed: 0, isDone: true, mirrored: [] });
    expect(upstream.asked).toMatchObject({ digestPages: 50, heads: 0, tagPages: 0 });
    expect(upstream.total()).toBeLessThanOrEqual(60);

    memory.push(repository, 'v3001', 'build-3002');
    expect(await round()).toMatchObject({ queued: 1, mirrored: [`${repository}:v3001`] });
    expect(upstream.total()).toBeLessThanOrEqual(60);
  });

  it('takes the pages of its list and a HEAD for each matched tag elsewhere', async () => {
    const { memory, upstream, round } = await mirrored();
    expect(await round()).toEqual({ repositories: 1, queued: 0, failed: 0, isDone: true, mirrored: [] });
    expect(upstream.asked).toEqual({ catalog: 0, tagPages: 5, digestPages: 0, heads: 2_000, others: 0 });

    memory.push(repository, 'v3001', 'build-3002', 'v9999');
    expect(await round()).toMatchObject({
      queued: 2,
      mirrored: [`${repository}:v3001`, `${repository}:v9999`],
    });
    // A tag that is not mirrored yet needs no HEAD.
    expect(upstream.asked).toMatchObject({ tagPages: 6, heads: 2_000 });
  });
});
