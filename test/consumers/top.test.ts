import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drayage } from '../support/drayage.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';
import { type OnTerminal, startOnTerminal } from '../support/terminal.ts';

describe('drayage top on a terminal', () => {
  let pipeline: Pipeline;
  const image = seededImage({ seed: 'top', layers: [{ size: 12_000_000 }] });
  beforeAll(async () => {
    pipeline = await startPipeline();
    await pipeline.push('acme/shop', '1.0', image);
    pipeline.upstream.faults.add({
      match: { method: 'GET', path: '/blobs/' },
      action: { kind: 'slow', bytesPerSecond: 600_000 },
    });
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const top = (columns: number, api = pipeline.api) =>
    startOnTerminal(['top', '--interval', '1s', '--api', api], columns);
  /** The screen is as it was: the command was the first thing on it. */
  const isRestored = ({ screen }: OnTerminal) =>
    !screen.isAlternate &&
    screen.isCursorShown &&
    screen.shown.join('') === '' &&
    screen.history.length === 0;

  it('follows a job to its end, in a window that changes its size, and q gives the screen back', async () => {
    await using live = top(110);
    await live.sees('UPSTREAMS');
    expect(live.screen.isAlternate).toBe(true);
    expect(live.screen.isCursorShown).toBe(false);
    await live.sees('0 copying');
    expect((await pipeline.github('acme/shop', '1.0')).status).toBe(202);
    await live.sees('█');
    await live.sees('event just now');
    await live.sees('B/s');
    expect(live.screen.shown.join('\n')).toMatch(/ghcr\.io\/acme\/shop:1\.0 +\d+ % .*of 12\.0 MB .*░/);
    live.resize(60);
    await live.sees('today 1 image: 0 % saved, 12.0 MB copied');
    await live.sees('0 copying');
    const lines = live.screen.shown;
    expect(lines.length).toBeLessThanOrEqual(23);
    expect(lines.at(-1)).toBe('q quits');
    live.type('q');
    expect(await live.ended).toBe(0);
    expect(isRestored(live)).toBe(true);
  });

  it.each([
    ['Ctrl-C', (live: OnTerminal) => live.interrupt()],
    ['SIGTERM', (live: OnTerminal) => live.terminate()],
  ])('%s gives the screen back, too', async (_, end) => {
    await using live = top(80);
    await live.sees('UPSTREAMS');
    end(live);
    expect(await live.ended).toBe(0);
    expect(isRestored(live)).toBe(true);
    expect(live.screen.wrapped).toEqual([]);
  });

  it('asks again where an API does not answer, and shows that', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await using live = top(100, `http://127.0.0.1:${port}`);
    await live.sees('trying again at');
    live.type('q');
    expect(await live.ended).toBe(0);
    expect(isRestored(live)).toBe(true);
  });

  it('ends with the message on the screen where there is no API', async () => {
    await using live = top(100, `${pipeline.api}/nothing`);
    expect(await live.ended).toBe(1);
    expect(live.screen.isAlternate).toBe(false);
    expect(live.screen.isCursorShown).toBe(true);
    expect(live.screen.shown.join('\n')).toContain('drayage: GET ');
  });

  it('prints lines once, and JSON, where there is no terminal', async () => {
    await pipeline.mirror('acme/shop', '1.0', image);
    const lines = await drayage(['top', '--api', pipeline.api]);
    expect({ code: lines.code, stderr: lines.stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines.stdout).toMatch(/^deployment http:\S+ version=\S+\njobs copying=0 queued=0 waiting=\d+ /);
    expect(lines.stdout).toMatch(/^savings \d{4}-\d\d-\d\d images=1 copied=12\d{6} mounted=0 present=0$/m);
    expect(lines.stdout).toMatch(/^upstream ghcr\.io state=open heard=\S+ lag=\d+ maxlag=\d+( |$)/m);
    const once = await drayage(['top', '--once', '--api', pipeline.api]);
    const untimed = (text: string) => text.replace(/since=\S+/, '');
    expect(untimed(once.stdout)).toBe(untimed(lines.stdout));
    const json = JSON.parse((await drayage(['top', '--json', '--api', pipeline.api])).stdout);
    expect(json).toMatchObject({ copying: [], failed: [], status: { regions: ['eu-west-1'] } });
    expect(json.savings.images).toBe(1);
    expect(await drayage(['top', '--interval', 'often'])).toMatchObject({ code: 2 });
  });

  it('drayage status shows the lag', async () => {
    await pipeline.mirror('acme/shop', '1.0', image);
    const { stdout } = await drayage(['status', '--api', pipeline.api]);
    expect(stdout).toMatch(/^UPSTREAM +WEBHOOK +LAST EVENT +LAG +NOTE$/m);
    expect(stdout).toMatch(/^ghcr\.io +github +\S.*? [\d.]+ s, max [\d.]+ s$/m);
  });
});
