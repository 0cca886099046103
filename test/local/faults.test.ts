import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FaultAction } from '../../local/ecr/server.ts';
import { type ApiJob, type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage, seededIndex } from '../support/seeded-image.ts';

describe('when registries misbehave', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline({ scheduleMs: 200 });
  });
  afterEach(() => {
    pipeline.upstream.faults.clear();
    pipeline.stack.registry.faults.clear();
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const image = (seed: string) => seededImage({ seed, layers: [{ size: 300_000 }, { size: 2_500 }] });

  it('continues after 500s and cut connections on both sides', async () => {
    const wanted = image('flaky');
    const { faults } = pipeline.upstream;
    faults.add({
      match: { method: 'GET', path: '/manifests/', times: 1 },
      action: { kind: 'status', status: 500 },
    });
    faults.add({
      match: { method: 'GET', path: wanted.layers[0]?.digest, times: 1 },
      action: { kind: 'cut', afterBytes: 100_000 },
    });
    pipeline.stack.registry.faults.add({
      match: { method: 'PUT', path: '/blobs/', times: 1 },
      action: { kind: 'cut' },
    });
    const job = await pipeline.mirror('acme/flaky', '1', wanted);
    expect(job).toMatchObject({ state: 'committed', attempts: 1, digest: wanted.manifest.digest });
    expect(job.transfer?.copied.blobs).toBe(3);
  });

  it('arrives whole although a fifth of all answers fail', async () => {
    const wanted = seededIndex({
      seed: 'fifth',
      platforms: ['amd64', 'arm64', 's390x'].map((architecture) => ({ os: 'linux', architecture })),
      layers: Array.from({ length: 6 }, (_, n) => ({ size: 9_000 * (n + 1) })),
    });
    await pipeline.push('acme/fifth', '1', wanted);
    pipeline.upstream.clearRequests();
    const { registry } = pipeline.stack;
    for (const [n, { faults }] of [pipeline.upstream, registry].entries()) {
      const add = (probability: number, seed: number, action: FaultAction) =>
        faults.add({ match: { probability, seed: seed + n * 10 }, action });
      // Retry-After keeps the upstream closed for a second only.
      add(0.05, 1, { kind: 'status', status: 429, headers: { 'retry-after': '1' } });
      add(0.05, 2, { kind: 'status', status: 500 });
      add(0.05, 3, { kind: 'cut' });
      add(0.05, 4, { kind: 'cut', afterBytes: 2_000 });
    }
    // What fails for now waits half a minute; another push does not, and continues with what is
    // missing.
    let job: ApiJob | undefined;
    for (let pushes = 0; job?.state !== 'committed' && pushes < 8; pushes += 1) {
      const answer = await pipeline.github('acme/fifth', '1');
      const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
      job = await pipeline.jobIn(accepted[0]?.job ?? '', 'committed', 'waiting', 'failed');
      if (job.error?.code === 'UPSTREAM_CLOSED') job = await pipeline.jobIn(job.id, 'committed', 'failed');
      expect(job.state, JSON.stringify(job.error)).not.toBe('failed');
    }
    expect(job).toMatchObject({ state: 'committed', digest: wanted.manifest.digest });
    expect(registry.tag('mirror/ghcr.io/acme/fifth', '1')).toBe(wanted.manifest.digest);
    for (const digest of wanted.blobs.keys()) {
      expect(registry.hasBlob('mirror/ghcr.io/acme/fifth', digest)).toBe(true);
      const reads = pipeline.upstream.requests.filter(({ path }) => path.endsWith(digest));
      expect(reads.length, 'three uploads, three reads of each, four requests for one of these').toBeLessThan(
        36,
      );
    }
  }, 60_000);

  it('fails at once if retrying makes no sense', async () => {
    await pipeline.push('acme/denied', '1', image('denied'));
    pipeline.upstream.faults.add({ match: { path: '/manifests/' }, action: { kind: 'status', status: 403 } });
    const answer = await pipeline.github('acme/denied', '1');
    const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
    const job = await pipeline.jobIn(accepted[0]?.job ?? '', 'failed', 'waiting', 'committed');
    expect(job).toMatchObject({ state: 'failed', attempts: 1, error: { side: 'upstream', code: 'DENIED' } });
  });
});
