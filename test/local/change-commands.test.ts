import { describe, expect, it } from 'vitest';
import { drayage } from '../support/drayage.ts';
import { type ScriptedStep, startScriptedServer } from '../support/scripted-server.ts';

const image = 'ghcr.io/acme/shop:1.0';
const [now, then, other] = ['a1', 'b2', 'b3'].map((start) => `sha256:${start.padEnd(64, '0')}`) as [
  string,
  string,
  string,
];
const entry = (digest: string, more: object = {}) => ({
  digest,
  pinned: `mirror.example/mirror/ghcr.io/acme/shop@${digest}`,
  sourceDigest: digest,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  platforms: ['linux/amd64'],
  sizeBytes: 1,
  pin: false,
  observedAt: '2026-11-01T00:00:00.000Z',
  mirroredAt: '2026-11-01T00:00:00.000Z',
  revision: 1,
  job: 'job-0',
  current: false,
  ...more,
});
const entries = [
  entry(now, { current: true, pin: true }),
  entry(then, { replacedAt: '2026-11-02T00:00:00.000Z' }),
  entry(other, {
    replacedAt: '2026-10-02T00:00:00.000Z',
    removed: { reason: 'deleted', at: '2026-11-03T00:00:00.000Z' },
  }),
];
const history: ScriptedStep = {
  request: `GET /v1/mappings/history?image=${encodeURIComponent(image)}`,
  answer: { status: 200, body: { image, history: entries } },
};
const missing = {
  status: 404,
  body: { error: { code: 'not_mirrored', message: `${image} was not mirrored` } },
};
const accepted = (kind: string, body: object): ScriptedStep => ({
  request: `POST /v1/mappings/${kind}`,
  body: JSON.stringify({ image, ...body }),
  answer: { status: 202, body: { jobs: [{ id: 'job-1', image, state: 'queued' }] } },
});
const ended = (state: string, more: object = {}): ScriptedStep => ({
  request: 'GET /v1/jobs/job-1',
  answer: { status: 200, body: { id: 'job-1', image, state, ...more } },
});

async function run(args: string[], ...steps: ScriptedStep[]) {
  const server = await startScriptedServer(steps);
  return await drayage(args, {
    env: { ...process.env, TZ: 'UTC', DRAYAGE_API: server.origin, DRAYAGE_TOKEN: 'operator' },
  });
}

describe('drayage history', () => {
  it('shows what a tag was mapped to, and when', async () => {
    const { code, stdout, stderr } = await run(['history', image], history);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const blank = ' '.repeat(21);
    expect(stdout.split('\n')).toEqual([
      `DIGEST${' '.repeat(65)}  MIRRORED             UNTIL                NOTE`,
      `${now}  2026-11-01 00:00:00${blank}  current, pinned`,
      `${then}  2026-11-01 00:00:00  2026-11-02 00:00:00`,
      `${other}  2026-11-01 00:00:00  2026-10-02 00:00:00  deleted in the mirror`,
      '',
    ]);
    const json = await run(['history', image, '--json'], history);
    expect(JSON.parse(json.stdout)).toEqual({ image, history: entries });
  });

  it('says if there is none, and where none can be', async () => {
    expect(await run(['history', image], { ...history, answer: missing })).toEqual({
      code: 3,
      stdout: '',
      stderr: `drayage: not mirrored: ${image}\n  mirror what is missing: drayage mirror ${image}\n`,
    });
    expect(await run(['history', image, '--mapping', 'mapping.json'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('a mapping file holds only what tags are mapped to now'),
    });
    expect(await run(['history', `ghcr.io/acme/shop@${now}`])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('a digest never moves'),
    });
  });
});

describe('drayage rollback', () => {
  const done = ended('committed', { digest: then });
  const announced = [
    `rolling ${image} back, and pinning it:`,
    `  from  ${now}, mirrored 2026-11-01 00:00:00`,
    `  to    ${then}, mirrored 2026-11-01 00:00:00`,
    '',
  ].join('\n');

  it.each([then, 'sha256:b200', 'b200'])('says what it does, and follows the job: %s', async (digest) => {
    const result = await run(
      ['rollback', image, digest],
      history,
      accepted('rollback', { digest: then }),
      done,
    );
    expect(result).toEqual({
      code: 0,
      stdout: `${image}  rolled back and pinned  ${then}\n`,
      stderr: announced,
    });
  });

  it('does not follow the job if it is not to', async () => {
    const steps = [history, accepted('rollback', { digest: then })];
    const { code, stdout } = await run(['rollback', image, 'b200', '--no-wait'], ...steps);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${image}  queued  job job-1\n` });
  });

  it('asks for a digest that is in the history, and for one only', async () => {
    const unknown = await run(['rollback', image, 'cccc'], history);
    expect(unknown).toMatchObject({ code: 1, stdout: '' });
    expect(unknown.stderr).toContain(`the history of ${image} has no digest that begins with sha256:cccc:\n`);
    expect(unknown.stderr).toContain(`  ${then}  2026-11-01`);

    const close = entry(`sha256:${'b2000'.padEnd(64, '1')}`);
    const two = { ...history, answer: { status: 200, body: { image, history: [...entries, close] } } };
    const ambiguous = await run(['rollback', image, 'b200'], two);
    expect(ambiguous).toMatchObject({ code: 1, stdout: '' });
    expect(ambiguous.stderr).toMatch(
      /has 2 digests that begin with sha256:b200:\n.*\n {2}write more digits\n$/s,
    );
    expect(ambiguous.stderr).not.toContain(now);

    for (const digest of ['b20', 'B200', 'sha256:', 'latest'])
      expect(await run(['rollback', image, digest])).toMatchObject({ code: 2 });
  });

  it('says that an image is gone, and how a job failed', async () => {
    const gone = {
      ...accepted('rollback', { digest: then }),
      answer: { status: 409, body: { error: { code: 'gone', message: 'the mirror no longer holds it' } } },
    };
    expect(await run(['rollback', image, then], history, gone)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('  choose another digest of drayage history'),
    });
    const error = { code: 'gone', side: 'mirror', message: 'it is gone', remedy: 'choose another' };
    const failed = await run(
      ['rollback', image, then],
      history,
      accepted('rollback', { digest: then }),
      ended('failed', { error }),
    );
    expect(failed).toEqual({
      code: 1,
      stdout: `${image}  failed  gone  it is gone\n`,
      stderr: `${announced}drayage: ${image} failed: it is gone\n  choose another\n`,
    });
    expect(await run(['rollback', image, then], { ...history, answer: missing })).toMatchObject({ code: 3 });
  });
});

describe('drayage pin and unpin', () => {
  const transfer = {
    copied: { blobs: 1, bytes: 5 },
    mounted: { blobs: 0, bytes: 0 },
    present: { blobs: 0, bytes: 0 },
  };

  it.each([
    ['pin', 'committed', { digest: now }, `pinned  ${now}`],
    ['pin', 'satisfied', { digest: now }, `was already pinned  ${now}`],
    [
      'unpin',
      'committed',
      { digest: then, transfer },
      `follows its upstream  ${then}  copied 1 (5 B), mounted 0 (0 B), present 0 (0 B)`,
    ],
    ['unpin', 'superseded', {}, 'superseded  a later push took its place'],
  ])('%s: %s', async (kind, state, more, told) => {
    expect(await run([kind, image], accepted(kind, {}), ended('queued'), ended(state, more))).toEqual({
      code: 0,
      stdout: `${image}  ${told}\n`,
      stderr: `${image}: queued\n`,
    });
  });

  it('give programs the job', async () => {
    const { stdout } = await run(['pin', image, '--json'], accepted('pin', {}), ended('committed'));
    expect(JSON.parse(stdout)).toEqual({ jobs: [{ id: 'job-1', image, state: 'committed' }] });
  });

  it('say if the image is not mirrored', async () => {
    for (const kind of ['pin', 'unpin'])
      expect(await run([kind, image], { ...accepted(kind, {}), answer: missing })).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('not mirrored'),
      });
  });
});
