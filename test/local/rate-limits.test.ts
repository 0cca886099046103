import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type ApiJob, type Pipeline, pipelineConfig, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

const small = (seed: string) => seededImage({ seed, layers: [{ size: 2_500 }] });
const limited = (retryAfter: string) =>
  ({ kind: 'status', status: 429, headers: { 'retry-after': retryAfter } }) as const;

/** Queues an image of any upstream, as an operator does. */
async function request(pipeline: Pipeline, image: string): Promise<string> {
  const answer = await pipeline.post('/v1/mirrors', { images: [image] });
  const { jobs } = (await answer.json()) as { jobs: { id: string }[] };
  return jobs[0]?.id ?? '';
}

/** What upstream was asked about a repository. */
const asked = (pipeline: Pipeline, repository: string) =>
  pipeline.upstream.requests.filter(({ path }) => path.includes(`/${repository}/`));

const minutesUntil = ({ notBefore }: ApiJob) => (Date.parse(notBefore ?? '') - Date.now()) / 60_000;

describe('a rate limit that one job meets', () => {
  it('makes it and all others of that upstream wait, which ask nothing and lose no attempt', async () => {
    // One worker, which obeys at once what it was told; others believe for some seconds what they
    // have read.
    await using pipeline = await startPipeline({ mirrorInstances: 1, scheduleMs: 200 });
    for (const name of ['first', 'second']) await pipeline.push(`acme/${name}`, '1', small(name));
    await pipeline.push('library/elsewhere', '1', small('elsewhere'));
    pipeline.upstream.clearRequests();
    pipeline.upstream.faults.add({ match: { path: '/acme/first/manifests/' }, action: limited('7200') });
    const first = await pipeline.jobIn(await request(pipeline, 'ghcr.io/acme/first:1'), 'waiting', 'failed');
    expect(first).toMatchObject({
      state: 'waiting',
      attempts: 0,
      error: { side: 'upstream', code: 'TOOMANYREQUESTS' },
    });
    expect(minutesUntil(first)).toBeGreaterThan(119);
    expect(minutesUntil(first)).toBeLessThan(122);
    const manifests = asked(pipeline, 'acme/first').filter(({ path }) => path.includes('/manifests/'));
    expect(manifests, 'such a wait is not retried').toHaveLength(1);

    pipeline.upstream.faults.clear();
    pipeline.upstream.clearRequests();
    const second = await pipeline.jobIn(
      await request(pipeline, 'ghcr.io/acme/second:1'),
      'waiting',
      'failed',
      'committed',
    );
    expect(second).toMatchObject({
      state: 'waiting',
      attempts: 0,
      error: { side: 'upstream', code: 'UPSTREAM_CLOSED', remedy: expect.stringContaining('limit') },
    });
    expect(minutesUntil(second)).toBeGreaterThan(119);
    expect(pipeline.upstream.requests).toEqual([]);

    const other = await pipeline.jobIn(
      await request(pipeline, 'docker.io/library/elsewhere:1'),
      'waiting',
      'failed',
      'committed',
    );
    expect(other, JSON.stringify(other.error)).toMatchObject({ state: 'committed', attempts: 1 });
    expect(asked(pipeline, 'acme/second')).toEqual([]);
  });

  it('lets all continue when its time is over, with the attempts that they had', async () => {
    await using both = await startPipeline({ mirrorInstances: 2, scheduleMs: 200 });
    for (const name of ['third', 'fourth']) await both.push(`acme/${name}`, '1', small(name));
    both.upstream.clearRequests();
    both.upstream.faults.add({ match: { path: '/acme/third/manifests/', times: 1 }, action: limited('4') });
    const third = await request(both, 'ghcr.io/acme/third:1');
    await vi.waitFor(
      () => expect(asked(both, 'acme/third').map(({ status }) => status)).toContain(429),
      5_000,
    );
    const fourth = await request(both, 'ghcr.io/acme/fourth:1');
    expect(await both.jobIn(fourth, 'waiting', 'committed', 'failed')).toMatchObject({
      state: 'waiting',
      error: { code: 'UPSTREAM_CLOSED' },
    });
    for (const id of [third, fourth]) {
      const job = await both.jobIn(id, 'committed', 'failed');
      expect(job, JSON.stringify(job.error)).toMatchObject({ state: 'committed', attempts: 1 });
    }
  });

  it('is not the upstream’s if the mirror limits the rate', async () => {
    await using pipeline = await startPipeline({ mirrorInstances: 1, scheduleMs: 200 });
    for (const name of ['fifth', 'sixth']) await pipeline.push(`acme/${name}`, '1', small(name));
    const { faults } = pipeline.stack.registry;
    faults.add({ match: { method: 'PUT', path: '/acme/fifth/manifests/' }, action: limited('7200') });
    const fifth = await pipeline.jobIn(await request(pipeline, 'ghcr.io/acme/fifth:1'), 'waiting', 'failed');
    expect(fifth).toMatchObject({
      state: 'waiting',
      attempts: 0,
      error: { side: 'mirror', code: 'TOOMANYREQUESTS' },
    });
    const sixth = await pipeline.jobIn(
      await request(pipeline, 'ghcr.io/acme/sixth:1'),
      'waiting',
      'failed',
      'committed',
    );
    expect(sixth).toMatchObject({ state: 'committed', attempts: 1 });
  });
});

describe('a rate limit that is used up', () => {
  it('lets the current job continue, and makes later ones wait', async () => {
    let upstream = '';
    /** In front of the upstream: its manifests are the last that may be requested. */
    const front = createServer((received, answer) => {
      const { method, url = '', headers } = received;
      const passed = send(`${upstream}${url}`, { method, headers }, (told) => {
        const limit = url.includes('/acme/last/manifests/') ? { 'ratelimit-remaining': '0;w=21600' } : {};
        answer.writeHead(told.statusCode ?? 502, { ...told.headers, ...limit });
        told.pipe(answer);
      });
      passed.on('error', () => answer.destroy());
      received.pipe(passed);
    });
    await once(front.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => {
      front.closeAllConnections();
      front.close();
    });
    const config = pipelineConfig(`http://127.0.0.1:${(front.address() as AddressInfo).port}`);
    await using pipeline = await startPipeline({ config, mirrorInstances: 1, scheduleMs: 200 });
    upstream = pipeline.upstream.endpoint;
    const image = seededImage({ seed: 'last', layers: [{ size: 40_000 }, { size: 300 }] });
    await pipeline.push('acme/last', '1', image);
    await pipeline.push('acme/next', '1', small('next'));

    const last = await pipeline.jobIn(
      await request(pipeline, 'ghcr.io/acme/last:1'),
      'waiting',
      'failed',
      'committed',
    );
    expect(last, JSON.stringify(last.error)).toMatchObject({
      state: 'committed',
      digest: image.manifest.digest,
      attempts: 1,
    });
    pipeline.upstream.clearRequests();
    const next = await pipeline.jobIn(
      await request(pipeline, 'ghcr.io/acme/next:1'),
      'waiting',
      'failed',
      'committed',
    );
    expect(next).toMatchObject({ state: 'waiting', attempts: 0, error: { code: 'UPSTREAM_CLOSED' } });
    expect(minutesUntil(next)).toBeGreaterThan(4);
    expect(pipeline.upstream.requests).toEqual([]);
  });
});
