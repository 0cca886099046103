import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drayage, startDrayage } from '../support/drayage.ts';
import { type ApiJob, type Pipeline, startPipeline } from '../support/pipeline.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { seededImage } from '../support/seeded-image.ts';

const imageOf = (seed: string) => seededImage({ seed, layers: [{ size: 3_000 }] });

describe('drayage mirror', () => {
  let pipeline: Pipeline;
  const images = { a: imageOf('mirror a'), b: imageOf('mirror b') };
  beforeAll(async () => {
    pipeline = await startPipeline();
    await pipeline.push('acme/a', '1.0', images.a);
    await pipeline.push('acme/b', '2.0', images.b);
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const mirror = (...args: string[]) =>
    drayage(['mirror', ...args], { env: { ...process.env, DRAYAGE_API: pipeline.api, DRAYAGE_TOKEN: '' } });
  const jobsOf = ({ stdout }: { stdout: string }) => (JSON.parse(stdout) as { jobs: ApiJob[] }).jobs;

  it('queues images, each once, and prints how each ended', async () => {
    const { code, stdout, stderr } = await mirror(
      'ghcr.io/acme/a:1.0',
      'ghcr.io/acme/b:2.0',
      'ghcr.io/acme/a:1.0',
    );
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout.trimEnd().split('\n').sort()).toEqual([
      `ghcr.io/acme/a:1.0  committed  ${images.a.manifest.digest}  copied 2 (3.22 kB), mounted 0 (0 B), present 0 (0 B)`,
      expect.stringMatching(/^ghcr\.io\/acme\/b:2\.0 {2}committed {2}sha256:/),
    ]);
    expect(await pipeline.mapping('ghcr.io/acme/b:2.0')).toMatchObject({ digest: images.b.manifest.digest });
  });

  it('says what was there already, and what other ends mean', async () => {
    await mirror('ghcr.io/acme/a:1.0');
    const { code, stdout } = await mirror('ghcr.io/acme/a:1.0');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/committed {2}sha256:\w{64} {2}copied 0 \(0 B\), .* present 2/),
    });
    const jobs = [
      { id: '1', image: 'ghcr.io/acme/a:1', state: 'satisfied' },
      { id: '2', image: 'ghcr.io/acme/a:2', state: 'superseded' },
      {
        id: '3',
        image: 'ghcr.io/acme/a:3',
        state: 'satisfied',
        reason: { code: 'x', message: 'newer ones' },
      },
    ];
    const server = await startScriptedServer(
      [
        { request: 'POST /v1/mirrors', answer: { status: 202, body: { jobs } } },
        ...jobs.map((job) => ({
          request: `GET /v1/jobs/${job.id}`,
          answer: { status: 200, body: job },
        })),
      ],
      { anyOrder: true },
    );
    const ended = await drayage(['mirror', ...jobs.map(({ image }) => image), '--api', server.origin]);
    expect(ended.code).toBe(0);
    expect(ended.stdout.trimEnd().split('\n').sort()).toEqual([
      'ghcr.io/acme/a:1  satisfied  the mirror already had it',
      'ghcr.io/acme/a:2  superseded  a later push took its place',
      'ghcr.io/acme/a:3  satisfied  newer ones',
    ]);
  });

  it('fails if any image fails, says why, and prints the others', async () => {
    const { code, stdout, stderr } = await mirror('ghcr.io/acme/gone:1', 'ghcr.io/acme/b:2.0');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ghcr\.io\/acme\/gone:1 {2}failed {2}\w+ {2}/m);
    expect(stdout).toMatch(/^ghcr\.io\/acme\/b:2\.0 {2}(satisfied|committed)/m);
    expect(stderr).toMatch(/drayage: 1 of 2 images failed:\n {2}ghcr\.io\/acme\/gone:1: /);

    const alone = await mirror('ghcr.io/acme/gone:1');
    expect(alone.stderr).toMatch(/drayage: ghcr\.io\/acme\/gone:1 failed: .+\n {2}.+\n$/);
  });

  it('queues nothing of a request that no rule names', async () => {
    const { code, stdout, stderr } = await mirror('ghcr.io/acme/a:1.0', 'quay.io/other/x:1');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('quay.io/other/x:1');
    expect(stderr).toContain('name it in a rule of mirror.yaml');
  });

  it('gives programs the jobs as the API shows them, at their end or when they are queued', async () => {
    const ended = await mirror('ghcr.io/acme/a:1.0', '--json');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(jobsOf(ended)).toMatchObject([{ image: 'ghcr.io/acme/a:1.0', trigger: 'request' }]);
    const queued = await mirror('ghcr.io/acme/a:1.0', 'ghcr.io/acme/b:2.0', '--json', '--no-wait');
    expect(jobsOf(queued).map(({ state }) => state)).toEqual(['queued', 'queued']);
    const plain = await mirror('ghcr.io/acme/a:1.0', '--no-wait');
    expect(plain.stdout).toMatch(/^ghcr\.io\/acme\/a:1\.0 {2}queued {2}job \w{26}\n$/);
  });

  it('stops following on Ctrl-C, and says that the jobs go on', async () => {
    const id = '01m85ak3j23mt8andghk1jng1z';
    const copying = {
      request: `GET /v1/jobs/${id}`,
      answer: {
        status: 200,
        body: {
          id,
          image: 'ghcr.io/acme/a:1.0',
          state: 'copying',
          progress: { blobs: 0, totalBlobs: 1, bytes: 1, totalBytes: 2 },
        },
      },
    };
    const server = await startScriptedServer([
      {
        request: 'POST /v1/mirrors',
        body: '{"images":["ghcr.io/acme/a:1.0"]}',
        answer: { status: 202, body: { jobs: [{ id, image: 'ghcr.io/acme/a:1.0', state: 'queued' }] } },
      },
      copying,
      { ...copying, answer: () => void running.end('SIGINT') },
    ]);
    const running = startDrayage(['mirror', 'ghcr.io/acme/a:1.0', '--api', server.origin]);
    expect(await running.ended).toEqual({
      code: 1,
      stdout: '',
      stderr: [
        'ghcr.io/acme/a:1.0: copying',
        'drayage: interrupted; the job goes on',
        `  see how it ends: drayage jobs ${id} --watch`,
        '',
      ].join('\n'),
    });
  });

  it('bears with an API that fails for a moment, and gives up following after --timeout', async () => {
    const id = '01m85ak3j23mt8andghk1jng1z';
    const job = { id, image: 'ghcr.io/acme/a:1.0', state: 'queued' };
    const request = `GET /v1/jobs/${id}`;
    const server = await startScriptedServer([
      { request: 'POST /v1/mirrors', answer: { status: 202, body: { jobs: [job] } } },
      { request, answer: { status: 503, body: { error: { code: 'unavailable', message: 'not now' } } } },
      { request, answer: { status: 200, body: job } },
      { request, answer: { status: 200, body: { ...job, state: 'committed', digest: 'sha256:0' } } },
    ]);
    const followed = await drayage(['mirror', 'ghcr.io/acme/a:1.0', '--api', server.origin]);
    expect(followed).toMatchObject({ code: 0, stdout: 'ghcr.io/acme/a:1.0  committed  sha256:0\n' });
    expect(followed.stderr).toContain('was answered 503: “not now”; trying again');

    const slow = await startScriptedServer([
      { request: 'POST /v1/mirrors', answer: { status: 202, body: { jobs: [job] } } },
      ...Array.from({ length: 2 }, () => ({ request, answer: { status: 200, body: job } })),
      {
        request,
        // Slow enough for the timeout to pass.
        answer: (response) => {
          setTimeout(() => {
            response.setHeader('content-type', 'application/json');
            response.end(JSON.stringify(job));
          }, 1_000);
        },
      },
    ]);
    const late = await drayage(['mirror', 'ghcr.io/acme/a:1.0', '--api', slow.origin, '--timeout', '1s']);
    expect(late).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not done within 1 s; the job goes on'),
    });
  });

  it('asks for at most a hundred images at once, and says how many were queued if it fails later', async () => {
    const names = Array.from({ length: 101 }, (_, index) => `ghcr.io/acme/a:${index}`);
    const jobs = names.slice(0, 100).map((image, index) => ({ id: `job-${index}`, image, state: 'queued' }));
    const server = await startScriptedServer([
      {
        request: 'POST /v1/mirrors',
        body: JSON.stringify({ images: names.slice(0, 100) }),
        answer: { status: 202, body: { jobs } },
      },
      {
        request: 'POST /v1/mirrors',
        body: JSON.stringify({ images: names.slice(100) }),
        answer: { status: 503, body: { error: { code: 'not_queued', message: 'the queue is full' } } },
      },
    ]);
    const { code, stderr } = await drayage(['mirror', ...names, '--api', server.origin]);
    expect(code).toBe(1);
    expect(stderr).toContain('100 images of 101 queued before this failed');
  });

  it('says what is wrong with its arguments', async () => {
    expect(await mirror('UPPER/Case')).toMatchObject({ code: 2, stderr: expect.stringContaining('UPPER') });
    expect(await mirror()).toMatchObject({ code: 2 });
    expect(await mirror('nginx', '--timeout', 'soon')).toMatchObject({ code: 2 });
    const lost = await drayage(['mirror', 'nginx'], { env: { ...process.env, DRAYAGE_API: '' } });
    expect(lost).toMatchObject({ code: 2, stderr: expect.stringContaining('DRAYAGE_API') });
  });
});
