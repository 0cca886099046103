import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drayage, startDrayage } from '../support/drayage.ts';
import { type ApiJob, type Pipeline, startPipeline } from '../support/pipeline.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { seededImage } from '../support/seeded-image.ts';

describe('drayage jobs', () => {
  let pipeline: Pipeline;
  let done: ApiJob;
  let failed: ApiJob;
  beforeAll(async () => {
    pipeline = await startPipeline();
    done = await pipeline.mirror('acme/a', '1.0', seededImage({ seed: 'jobs', layers: [{ size: 3_000 }] }));
    const answer = await pipeline.post('/v1/mirrors', { images: ['ghcr.io/acme/gone:1'] });
    const { jobs } = (await answer.json()) as { jobs: ApiJob[] };
    failed = await pipeline.jobIn(jobs[0]?.id ?? '', 'failed');
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const options = () => ({ env: { ...process.env, DRAYAGE_API: pipeline.api, DRAYAGE_TOKEN: '' } });
  const jobs = (...args: string[]) => drayage(['jobs', ...args], options());

  it('lists the newest first', async () => {
    const { code, stdout, stderr } = await jobs();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [heading, first = '', ...others] = stdout.split('\n');
    expect(heading).toMatch(/^JOB +IMAGE +STATE +TRIGGER +RECEIVED +DETAIL$/);
    expect(first.split(/ {2,}/).slice(0, 5)).toEqual([
      failed.id,
      'ghcr.io/acme/gone:1',
      'failed',
      'request',
      'just now',
    ]);
    const line = others.find((each) => each.startsWith(done.id));
    expect(line).toMatch(/ {2}ghcr\.io\/acme\/a:1\.0 +committed +webhook +just now +copied 2 /);
  });

  it('filters by state and image, and stops at the limit', async () => {
    const idsOf = async (...args: string[]) =>
      (JSON.parse((await jobs('--json', ...args)).stdout) as { jobs: ApiJob[] }).jobs.map(({ id }) => id);
    expect(await idsOf('--state', 'committed')).toEqual([done.id]);
    expect(await idsOf('--state', 'committed', '--state', 'failed')).toEqual([failed.id, done.id]);
    expect(await idsOf('--image', 'ghcr.io/acme/gone:1')).toEqual([failed.id]);
    expect(await idsOf('--limit', '1')).toEqual([failed.id]);
    expect(await jobs('--state', 'copying')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'no such jobs; jobs are kept for 30 days\n',
    });
  });

  it('shows one with its remedy, or as the API does', async () => {
    const { code, stdout } = await jobs(failed.id);
    expect(code).toBe(0);
    expect(stdout).toContain(`ghcr.io/acme/gone:1: job ${failed.id}\n  state     failed\n`);
    expect(stdout).toContain(`  remedy    ${failed.error?.remedy}\n`);
    const json = await jobs(done.id, '--json');
    expect(JSON.parse(json.stdout)).toEqual(await pipeline.job(done.id));
    const none = await jobs('01m85ak3j23mt8andghk1jng1z');
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no job with this id') });
  });

  it('follows one to its end', async () => {
    expect(await jobs(done.id, '--watch')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ghcr\.io\/acme\/a:1\.0 {2}committed {2}sha256:/),
    });
    expect(await jobs(failed.id, '--watch', '--json')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('"state":"failed"'),
      stderr: expect.stringContaining(failed.error?.message ?? 'no message'),
    });
  });

  it('prints a line for each change, until Ctrl-C', async () => {
    const list = (...states: string[]) => ({
      request: 'GET /v1/jobs?limit=20',
      answer: {
        status: 200,
        body: {
          jobs: states.map((state, index) => ({ id: `job-${index}`, image: `a:${index}`, state })).reverse(),
        },
      },
    });
    const server = await startScriptedServer([
      list('committed', 'queued'),
      { ...list(), answer: { status: 503, body: {} } },
      list('committed', 'copying', 'queued'),
      { ...list(), answer: () => void watching.end('SIGINT') },
    ]);
    const watching = startDrayage(['jobs', '--watch', '--api', server.origin]);
    const { code, stdout, stderr } = await watching.ended;
    expect(code).toBe(0);
    expect(stdout.replaceAll(/^\d\d:\d\d:\d\d /gm, '')).toBe(
      [' a:0  committed', ' a:1  queued', ' a:1  copying', ' a:2  queued', ''].join('\n'),
    );
    expect(stderr).toMatch(/was answered 503; trying again\n$/);
  });

  it('reads further pages until it has enough', async () => {
    const page = (request: string, from: number, count: number, cursor?: string) => ({
      request,
      answer: {
        status: 200,
        body: {
          jobs: Array.from({ length: count }, (_, index) => ({
            id: `job-${from + index}`,
            image: 'a:1',
            state: 'failed',
          })),
          ...(cursor && { cursor }),
        },
      },
    });
    const server = await startScriptedServer([
      page('GET /v1/jobs?state=failed&limit=500', 0, 3, 'next'),
      page('GET /v1/jobs?state=failed&limit=500&cursor=next', 3, 500, 'more'),
      page('GET /v1/jobs?state=failed&limit=97&cursor=more', 503, 97, 'last'),
    ]);
    const args = ['--state', 'failed', '--limit', '600', '--json', '--api', server.origin];
    const { stdout } = await drayage(['jobs', ...args]);
    expect((JSON.parse(stdout) as { jobs: unknown[] }).jobs).toHaveLength(600);
  });

  it('says what is wrong with its arguments', async () => {
    expect(await jobs('--state', 'lost')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('superseded'),
    });
    expect(await jobs(done.id, '--image', 'nginx')).toMatchObject({ code: 2 });
    expect(await jobs('--limit', '0')).toMatchObject({ code: 2 });
  });
});

describe('drayage status', () => {
  it('shows how the deployment is doing', async () => {
    await using pipeline = await startPipeline();
    const status = (...args: string[]) => drayage(['status', ...args, '--api', pipeline.api]);
    const empty = await status();
    expect({ code: empty.code, stderr: empty.stderr }).toEqual({ code: 0, stderr: '' });
    expect(empty.stdout).toContain('  jobs      0 copying, 0 queued, 0 waiting; 0 failed in the last day\n');
    expect(empty.stdout).toMatch(/^ghcr\.io +github +none yet$/m);

    const gone = await pipeline.post('/v1/mirrors', { images: ['ghcr.io/acme/gone:1'] });
    const { jobs } = (await gone.json()) as { jobs: ApiJob[] };
    await pipeline.jobIn(jobs[0]?.id ?? '', 'failed');
    // The event of an image that is not there yet waits for it.
    const early = (await (await pipeline.github('acme/early', '1.0')).json()) as {
      accepted: { job: string }[];
    };
    await pipeline.jobIn(early.accepted[0]?.job ?? '', 'waiting');

    const { stdout } = await status();
    expect(stdout).toMatch(/^Drayage \d+\.\d+\.\d+ at http:/);
    expect(stdout).toContain(`  mirror    eu-west-1  ${pipeline.stack.ready.registry}\n`);
    expect(stdout).toContain(
      '0 copying, 0 queued, 1 waiting; 1 failed in the last day: drayage jobs --state failed\n',
    );
    expect(stdout).toMatch(
      /^ {2}waiting {3}ghcr\.io\/acme\/early:1\.0, received just now, waiting until [\d :-]+: .+$/m,
    );
    expect(stdout).toMatch(/^ghcr\.io +github +just now$/m);

    const json = await status('--json');
    const answer = (await (await pipeline.get('/v1/status')).json()) as object;
    expect(JSON.parse(json.stdout)).toMatchObject({
      jobs: {
        waiting: 1,
        failed: { count: 1 },
        complete: true,
        oldestWaiting: { image: 'ghcr.io/acme/early:1.0' },
      },
    });
    expect(Object.keys(JSON.parse(json.stdout)).sort()).toEqual(Object.keys(answer).sort());
  });

  it('says that there is no API at an address', async () => {
    const server = await startScriptedServer([
      {
        request: 'GET /v1/status',
        answer: { status: 404, body: { error: { code: 'not_found', message: 'none' } } },
      },
    ]);
    expect(await drayage(['status', '--api', server.origin])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no Drayage API at this address'),
    });
  });
});
