import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

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

  it('goes on after 500s and cut connections on both sides', async () => {
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
    const wanted = seededImage({
      seed: 'fifth',
      layers: Array.from({ length: 12 }, () => ({ size: 20_000 })),
    });
    await pipeline.push('acme/fifth', '1', wanted);
    for (const [seed, registry] of [pipeline.upstream, pipeline.stack.registry].entries()) {
      registry.faults.add({ match: { probability: 0.1, seed }, action: { kind: 'status', status: 503 } });
      registry.faults.add({ match: { probability: 0.1, seed: seed + 10 }, action: { kind: 'cut' } });
    }
    const answer = await pipeline.github('acme/fifth', '1');
    const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
    const job = await pipeline.jobIn(accepted[0]?.job ?? '', 'committed', 'waiting', 'failed');
    expect(job.state, JSON.stringify(job.error)).toBe('committed');
    expect(pipeline.stack.registry.tag('mirror/ghcr.io/acme/fifth', '1')).toBe(wanted.manifest.digest);
  }, 60_000);

  it('fails at once where trying again makes no sense', async () => {
    await pipeline.push('acme/denied', '1', image('denied'));
    pipeline.upstream.faults.add({ match: { path: '/manifests/' }, action: { kind: 'status', status: 403 } });
    const answer = await pipeline.github('acme/denied', '1');
    const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
    const job = await pipeline.jobIn(accepted[0]?.job ?? '', 'failed', 'waiting', 'committed');
    expect(job).toMatchObject({ state: 'failed', attempts: 1, error: { side: 'upstream', code: 'DENIED' } });
  });

  // The last one: it closes the upstream.
  it('parks a job while upstream limits the rate, without counting the attempt', async () => {
    const wanted = image('limited');
    await pipeline.push('acme/limited', '1', wanted);
    pipeline.upstream.faults.add({
      match: { method: 'GET', path: '/manifests/' },
      action: { kind: 'status', status: 429, headers: { 'retry-after': '7200' } },
    });
    const answer = await pipeline.github('acme/limited', '1');
    const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
    const id = accepted[0]?.job ?? '';
    const waiting = await pipeline.jobIn(id, 'waiting', 'failed');
    expect(waiting).toMatchObject({
      state: 'waiting',
      attempts: 0,
      error: { side: 'upstream', code: 'TOOMANYREQUESTS' },
    });
    expect(Date.parse(waiting.notBefore ?? '') - Date.now()).toBeGreaterThan(3_500_000);
  });
});
