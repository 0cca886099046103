import { describe, expect, it } from 'vitest';
import type { Job } from '../../../../cli/api/client.ts';
import { cellWidth } from '../../../../cli/terminal/cells.ts';
import { frame } from '../../../../cli/top/frame.ts';
import { plainLines } from '../../../../cli/top/print.ts';
import type { Reading } from '../../../../cli/top/read.ts';
import { newState, type TopState, withReading, withTrouble } from '../../../../cli/top/state.ts';

const now = new Date('2026-11-30T12:00:00.000Z');
const api = 'https://drayage.example';
const job = (image: string, more: Partial<Job>): Job => ({
  id: `01m85ak3j23mt8andghk1jng${image.length}`,
  image,
  state: 'copying',
  trigger: 'webhook',
  receivedAt: '2026-11-30T11:58:00.000Z',
  attempts: 1,
  ...more,
});
const error = {
  code: 'TOOMANYREQUESTS',
  side: 'upstream' as const,
  message: 'the limit is reached',
  remedy: '',
};
const progress = (bytes: number) => ({ blobs: 1, totalBlobs: 4, bytes, totalBytes: 400_000_000 });
const reconcile = { isSearchDue: false, due: 0, failing: [], complete: true };

const reading = (bytes: number): Reading => ({
  status: {
    version: '0.1.0',
    caller: 'operator',
    regions: ['eu-west-1'],
    registries: {},
    jobs: {
      queued: 3,
      waiting: 2,
      planned: 1,
      copying: 2,
      failed: { count: 1, since: '2026-11-29T12:00:00.000Z' },
      complete: true,
    },
    upstreams: [
      {
        registry: 'ghcr.io',
        webhooks: [{ name: 'github', source: 'github', deliveredAt: '2026-11-30T11:57:00.000Z' }],
        lag: { medianMs: 2_048, maxMs: 65_536, jobs: 4, since: '2026-11-29T00:00:00.000Z' },
        reconcile: { ...reconcile, repositories: 12 },
      },
      {
        registry: 'docker.io',
        closedUntil: '2026-11-30T12:10:00.000Z',
        down: { since: '2026-11-30T11:50:00.000Z', reason: 'connection refused' },
        webhooks: [],
        reconcile,
      },
    ],
  },
  copying: [
    job('ghcr.io/acme/shop:1.0', { progress: progress(bytes) }),
    job('ghcr.io/acme/a-team-with-a-long-name/and-a-service/with-a-longer-one:2026.11.30-rc.1', {}),
  ],
  waiting: [
    job('ghcr.io/acme/planned:1', { state: 'waiting', notBefore: '2026-11-30T12:05:00.000Z' }),
    job('docker.io/library/nginx:1.27', { state: 'waiting', notBefore: '2026-11-30T12:10:00.000Z', error }),
  ],
  failed: [job('ghcr.io/acme/gone:1', { state: 'failed', finishedAt: '2026-11-30T11:00:00.000Z', error })],
  savings: {
    day: '2026-11-30',
    images: 12,
    copied: { blobs: 4, bytes: 250_000_000 },
    mounted: { blobs: 2, bytes: 250_000_000 },
    present: { blobs: 9, bytes: 500_000_000 },
  },
});

const paint = (_: string, text: string) => text;
const draw = (state: TopState, columns: number, lines: number) =>
  frame(state, { columns, lines, now, paint, colours: false });
const twice = () => {
  const first = withReading(newState(api), reading(100_000_000), now.getTime() - 2_000);
  return withReading(first, reading(200_000_000), now.getTime());
};

describe('a frame of drayage top', () => {
  it('shows everything where there is room', () => {
    const lines = draw(twice(), 119, 30);
    const text = lines.join('\n');
    expect(lines).toHaveLength(30);
    expect(lines[0]).toMatch(/^Drayage 0\.1\.0 at https:\/\/drayage\.example +\d\d:\d\d:\d\d$/);
    expect(lines[1]).toMatch(
      /^2 copying at 50\.0 MB\/s, 3 queued, 2 waiting \(1 for a planned check\), 1 failed since /,
    );
    expect(lines[2]).toBe('today 12 images: 75 % saved, 250 MB copied, 250 MB mounted, 500 MB present');
    expect(text).toMatch(/^docker\.io {2}down since .*no webhook .*connection refused$/m);
    expect(text).toMatch(
      /^ghcr\.io {4}open .*event 3 min ago {2}lag 2\.0 s, max 1 min 06 s {2}12 repositories$/m,
    );
    expect(text).toMatch(/shop:1\.0 +50 % {2}200 MB of 400 MB {2}50\.0 MB\/s {2}█+░+$/m);
    expect(text).toMatch(/2026\.11\.30-rc\.1 +resolving$/m);
    expect(text).toMatch(/nginx:1\.27 {2}until .*TOOMANYREQUESTS: the limit is reached$/m);
    expect(text).toMatch(/planned:1 +until .*a planned check$/m);
    expect(text).toMatch(/^ghcr\.io\/acme\/gone:1 {2}1 h ago {2}TOOMANYREQUESTS: the limit is reached$/m);
    expect(lines.at(-1)).toBe('q quits');
    const order = ['UPSTREAMS', 'COPYING', 'WAITING', 'FAILED'].map((title) => lines.indexOf(title));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order[0]).toBeGreaterThan(0);
    expect(text.indexOf('nginx')).toBeLessThan(text.indexOf('planned:1'));
  });

  it.each([1, 2, 7, 20, 39, 40, 59, 79, 119, 250])('fits %i columns, whatever the height', (columns) => {
    const states = [
      newState(api),
      twice(),
      withTrouble(twice(), 'no answer '.repeat(30), now.getTime(), 2_000),
    ];
    for (const state of states)
      for (const height of [1, 2, 5, 9, 12, 23, 60]) {
        const lines = draw(state, columns, height);
        expect(lines.length).toBeLessThanOrEqual(height);
        expect(Math.max(...lines.map(cellWidth)), lines.join('\n')).toBeLessThanOrEqual(columns);
      }
  });

  it('keeps the end of long names and a bar at 79 columns, and the percentage at 39', () => {
    const text = draw(twice(), 79, 23).join('\n');
    expect(text).toMatch(/^…\S+2026\.11\.30-rc\.1 .*resolving$/m);
    expect(text).toMatch(/shop:1\.0 +50 %.* {2}█+░+$/m);
    expect(draw(twice(), 39, 23).join('\n')).toMatch(/shop:1\.0 +50 %/);
  });

  it('says how many are left out', () => {
    const many = reading(1);
    const waiting = Array.from({ length: 40 }, (_, at) =>
      job(`ghcr.io/acme/w:${at}`, { state: 'waiting', error }),
    );
    const state = withReading(newState(api), { ...many, waiting }, now.getTime());
    const lines = draw(state, 79, 23);
    expect(lines.find((line) => line.startsWith('WAITING'))).toMatch(/^WAITING \(\d+ of 40\)$/);
    expect(lines).toContain('COPYING');
  });

  it('shows what is wrong, keeps what was read, and says when it asks again', () => {
    let state = twice();
    const pauses: number[] = [];
    for (let failures = 0; failures < 7; failures++) {
      state = withTrouble(state, 'GET /v1/status got no answer', now.getTime(), 2_000);
      pauses.push(((state.trouble?.retryAt ?? 0) - now.getTime()) / 1_000);
    }
    expect(pauses).toEqual([2, 4, 8, 16, 30, 30, 30]);
    const lines = draw(state, 119, 30);
    expect(lines[1]).toMatch(/^GET \/v1\/status got no answer; trying again at \d\d:\d\d:\d\d$/);
    expect(lines.join('\n')).toContain('ghcr.io/acme/shop:1.0');
    expect(withReading(state, reading(1), now.getTime() + 1).trouble).toBeUndefined();
    // Somebody who asks for a minute does not mean half a minute after a failure.
    expect(withTrouble(twice(), '', 0, 60_000).trouble?.retryAt).toBe(60_000);
  });

  it('takes no rate from a layer that starts over', () => {
    const before = withReading(newState(api), reading(200), 0);
    expect([...withReading(before, reading(100), 1_000).rates.values()]).toEqual([0]);
  });

  it('shows no control characters, whoever sent them', () => {
    const hostile = JSON.parse(
      JSON.stringify(reading(1))
        .replaceAll('acme', 'ac\\u001b[2Jme\\u0007\\u202e\\u009b')
        .replaceAll('limit', '\\u001b]0;x\\n'),
    ) as Reading;
    const state = withTrouble(
      withReading(newState('https://a\x1b[31m'), hostile, now.getTime()),
      'bad \x1b[1A\r\n',
      now.getTime(),
      2_000,
    );
    const text = [...draw(state, 119, 60), ...plainLines('https://a\x1b[31m', hostile)].join('');
    expect(text).toContain('[2Jme');
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

it('--once prints a line for each fact, with the kind first and the message last', () => {
  const [long = ''] = reading(1)
    .copying.map(({ image }) => image)
    .slice(1);
  expect(plainLines(api, reading(200_000_000))).toEqual([
    'deployment https://drayage.example version=0.1.0',
    'jobs copying=2 queued=3 waiting=2 planned=1 failed=1 since=2026-11-29T12:00:00.000Z complete=true',
    'savings 2026-11-30 images=12 copied=250000000 mounted=250000000 present=500000000',
    'upstream ghcr.io state=open heard=2026-11-30T11:57:00.000Z lag=2048 maxlag=65536 repositories=12',
    'upstream docker.io state=down until=2026-11-30T12:10:00.000Z since=2026-11-30T11:50:00.000Z message=connection refused',
    'copying ghcr.io/acme/shop:1.0 job=01m85ak3j23mt8andghk1jng21 bytes=200000000 total=400000000',
    `copying ${long} job=01m85ak3j23mt8andghk1jng${long.length}`,
    'waiting ghcr.io/acme/planned:1 job=01m85ak3j23mt8andghk1jng22 until=2026-11-30T12:05:00.000Z',
    'waiting docker.io/library/nginx:1.27 job=01m85ak3j23mt8andghk1jng28 until=2026-11-30T12:10:00.000Z code=TOOMANYREQUESTS message=the limit is reached',
    'failed ghcr.io/acme/gone:1 job=01m85ak3j23mt8andghk1jng19 at=2026-11-30T11:00:00.000Z code=TOOMANYREQUESTS message=the limit is reached',
  ]);
});
