import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmittedMetric, emittedMetrics, sumOf } from '../support/emf.ts';
import { type ApiJob, type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

/** A log line of a function. */
interface LogLine {
  service: string;
  message: string;
  job?: string;
  image?: string;
  layer?: string;
  delivery?: string;
  senderId?: string;
  accepted?: { image: string; job: string }[];
}

describe('what the functions tell of their work', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline({ metrics: true, fanOutBytes: 60_000, scheduleMs: 200 });
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const lines = (): LogLine[] =>
    pipeline
      .logs()
      .split('\n')
      .filter((line) => line.startsWith('{"level"'))
      .map((line) => JSON.parse(line) as LogLine);

  /** The metrics, when they are as expected; the log may be a little late. */
  async function metricsWith(isThere: (metrics: EmittedMetric[]) => boolean): Promise<EmittedMetric[]> {
    const until = Date.now() + 10_000;
    for (;;) {
      const metrics = emittedMetrics(pipeline.logs());
      if (isThere(metrics) || Date.now() > until) return metrics;
      await sleep(50);
    }
  }

  it('counts bytes once, although layers are copied by jobs of their own', async () => {
    const layers = [
      { size: 90_000, seed: 'first' },
      { size: 80_000, seed: 'second' },
      { size: 700, seed: 'third' },
    ];
    const first = await pipeline.mirror('acme/large', '1', seededImage({ seed: 'large', layers }));
    const second = await pipeline.mirror('acme/mounting', '1', seededImage({ seed: 'large', layers }));
    const bytes = (what: keyof NonNullable<ApiJob['transfer']>) =>
      [first, second].reduce((sum, { transfer }) => sum + (transfer?.[what].bytes ?? 0), 0);
    expect(bytes('copied')).toBeGreaterThan(170_000);
    expect(bytes('mounted')).toBeGreaterThan(0);
    const mirror = { service: 'mirror' };
    const metrics = await metricsWith((now) => sumOf(now, 'JobsCommitted', mirror) === 2);
    expect(sumOf(metrics, 'JobsCommitted', mirror)).toBe(2);
    expect(sumOf(metrics, 'LayersCarried', { service: 'layer' })).toBeGreaterThanOrEqual(2);
    expect(sumOf(metrics, 'BytesCopied', mirror)).toBe(bytes('copied'));
    expect(sumOf(metrics, 'BytesMounted', mirror)).toBe(bytes('mounted'));
    expect(sumOf(metrics, 'BytesPresent', mirror)).toBe(bytes('present'));
    expect(
      metrics.filter(({ name, dimensions }) => name === 'BytesCopied' && dimensions.service === 'layer'),
    ).toEqual([]);
    expect(sumOf(metrics, 'PushLag', mirror)).toBe((first.lagMs ?? 0) + (second.lagMs ?? 0));
    for (const service of ['mirror', 'layer'])
      for (const side of ['upstream', 'mirror']) {
        const requests = sumOf(metrics, 'Requests', { service, side }) ?? 0;
        expect(requests, `${service} ${side}`).toBeGreaterThan(0);
        expect(sumOf(metrics, 'Requests', { service }) ?? 0).toBeGreaterThan(requests);
      }
  });

  it('counts deliveries by webhook, and unknown names as one', async () => {
    const forge = (name: string) =>
      pipeline.post(`/webhooks/${name}`, '{}', { 'x-github-delivery': 'forged-1' });
    expect((await forge('github')).status).toBe(401);
    expect((await forge('guess-1')).status).toBe(404);
    expect((await forge('guess-2')).status).toBe(404);
    // No rule mirrors it.
    expect((await pipeline.github('other/thing', '1')).status).toBe(202);
    const service = 'webhook';
    const metrics = await metricsWith((now) => (sumOf(now, 'WebhookIgnored', { service }) ?? 0) > 0);
    expect(sumOf(metrics, 'WebhookRefused', { service })).toBe(3);
    expect(sumOf(metrics, 'WebhookRefused', { service, webhook: 'github' })).toBe(1);
    expect(sumOf(metrics, 'WebhookRefused', { service, webhook: 'unknown' })).toBe(2);
    expect(sumOf(metrics, 'WebhookIgnored', { service, webhook: 'github' })).toBe(1);
    expect(sumOf(metrics, 'WebhookAccepted', { service, webhook: 'github' })).toBe(2);
    expect(pipeline.logs()).not.toContain('guess-');
  });

  it('counts failures by code, and throttled requests', async () => {
    pipeline.upstream.faults.add({
      match: { method: 'GET', path: '/acme/limited/manifests/', times: 1 },
      action: { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
    });
    await pipeline.mirror('acme/limited', '1', seededImage({ seed: 'limited', layers: [{ size: 300 }] }));
    const asked = await pipeline.post('/v1/mirrors', { images: ['ghcr.io/acme/limited:none'] });
    const { jobs } = (await asked.json()) as { jobs: { id: string }[] };
    const { error } = await pipeline.jobIn(jobs[0]?.id ?? '', 'failed');
    const service = 'mirror';
    const metrics = await metricsWith((now) => sumOf(now, 'JobsFailed', { service }) === 1);
    expect(sumOf(metrics, 'JobsFailed', { service, code: error?.code ?? '' })).toBe(1);
    expect(sumOf(metrics, 'Throttles', { service, side: 'upstream' })).toBe(1);
    expect(sumOf(metrics, 'Throttles', { service, side: 'mirror' })).toBeUndefined();
  });

  it('measures what waits, and which upstream is closed', async () => {
    pipeline.upstream.faults.add({
      match: { method: 'GET', path: '/library/closed/manifests/', times: 1 },
      action: { kind: 'status', status: 429, headers: { 'retry-after': '600' } },
    });
    await pipeline.push('library/closed', '1', seededImage({ seed: 'closed', layers: [{ size: 300 }] }));
    await pipeline.post('/v1/mirrors', { images: ['docker.io/library/closed:1'] });
    const service = 'schedule';
    const closed = (now: EmittedMetric[]) =>
      sumOf(now, 'UpstreamClosed', { service, upstream: 'docker.io' }) ?? 0;
    const metrics = await metricsWith(
      (now) => closed(now) > 2 && (sumOf(now, 'OldestWaitingJob', { service }) ?? 0) > 0,
    );
    expect(closed(metrics)).toBeGreaterThan(2);
    const other = new URL(pipeline.upstream.endpoint).host;
    expect(sumOf(metrics, 'UpstreamClosed', { service, upstream: other })).toBe(0);
    expect(sumOf(metrics, 'OldestWaitingJob', { service })).toBeGreaterThan(0);
    expect(sumOf(metrics, 'OpenJobsWaiting', { service })).toBeGreaterThan(0);
    for (const name of ['OpenJobsQueued', 'OpenJobsCopying'])
      expect(sumOf(metrics, name, { service }), name).toBeDefined();
  });

  it('names job, image and delivery in every line about them, never another one’s', async () => {
    const repositories = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `acme/side-${name}`);
    await Promise.all(
      repositories.map((repository) =>
        pipeline.mirror(repository, '1', seededImage({ seed: repository, layers: [{ size: 900 }] })),
      ),
    );
    const log = lines();
    const accepted = log.filter(({ message }) => message === 'a delivery was accepted');
    const imageOf = new Map(
      accepted.flatMap(({ accepted: jobs = [] }) => jobs.map(({ image, job }) => [job, image] as const)),
    );
    for (const { delivery } of accepted) expect(delivery).toMatch(/^[\w.:-]{1,100}$/);
    expect(new Set(accepted.map(({ delivery }) => delivery)).size).toBe(accepted.length);
    const forged = log.filter(({ senderId }) => senderId === 'forged-1');
    expect(forged.map(({ message }) => message)).toEqual(Array(3).fill('a delivery was refused'));

    const ofJobs = log.filter(
      ({ service, message }) => service === 'mirror' && message.startsWith('the job'),
    );
    expect(ofJobs.length).toBeGreaterThanOrEqual(repositories.length);
    for (const line of ofJobs) {
      expect(line.job, line.message).toBeDefined();
      if (imageOf.has(line.job ?? '')) expect(line.image).toBe(imageOf.get(line.job ?? ''));
    }
    const ended = ofJobs.map(({ image }) => image);
    for (const repository of repositories) expect(ended).toContain(`ghcr.io/${repository}:1`);
    for (const line of log.filter(({ service }) => service === 'layer')) {
      expect(line.job).toBeDefined();
      expect(line.layer).toMatch(/^sha256:/);
    }
  });
});
