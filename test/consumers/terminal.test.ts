import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { pushImage, seededImage } from '../support/seeded-image.ts';
import { startOnTerminal } from '../support/terminal.ts';

describe('drayage demo on a terminal', () => {
  const titles = [
    'Start a registry and the pipeline on this machine',
    'Build ghcr.io/acme/worker:1.0 out of what is installed here',
    'Push 1.0 to the upstream',
    "Send GitHub's signed webhook for 1.0, and follow the job",
    'Ask the API where 1.0 is',
    'Change one file, app/package.json; build and push 2.0',
    "Send GitHub's signed webhook for 2.0, and follow the job",
    'Pull 2.0 through the mirror and compare every byte',
  ];

  it.each([100, 80, 60, 40])('wraps nothing and shows no step twice at %i columns', async (columns) => {
    await using demo = startOnTerminal(['demo'], columns);
    const code = await demo.ended;
    const { screen } = demo;
    const lines = [...screen.history, ...screen.shown];
    expect(code, lines.join('\n')).toBe(0);
    expect(screen.wrapped).toEqual([]);
    const steps = lines.filter((line) => /^ \d {2}/.test(line)).map((line) => Number(line.slice(0, 2)));
    expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const text = lines.join(' ').replaceAll(/\s+/g, ' ');
    for (const title of titles) expect(text.split(title)).toHaveLength(2);
    expect(lines.filter((line) => line.startsWith('    copying'))).toEqual([
      expect.stringContaining('100 %'),
      expect.stringContaining('100 %'),
    ]);
  });

  it('continues in a window that becomes narrower, and then wider', async () => {
    await using demo = startOnTerminal(['demo'], 80);
    const { screen } = demo;
    await demo.sees('2  Build');
    demo.resize(40);
    await demo.sees('copying');
    demo.resize(70);
    await demo.ended;
    const lines = [...screen.history, ...screen.shown];
    expect(lines.filter((line) => /^ \d {2}/.test(line))).toHaveLength(8);
    expect(lines.filter((line) => line.startsWith('    copying'))).toHaveLength(2);
    expect(screen.wrapped).toEqual([]);
  });
});

describe('on a terminal', () => {
  let pipeline: Pipeline;
  let mirror: EmbeddedRegistry;
  const image = seededImage({ seed: 'terminal', layers: [{ size: 3_000_000 }, { size: 2_000_000 }] });
  beforeAll(async () => {
    pipeline = await startPipeline();
    mirror = await startRegistry({ flavour: 'distribution' });
    await pushImage(pipeline.upstream.endpoint, 'acme/shop', '1.0', image);
    pipeline.upstream.faults.add({
      match: { method: 'GET', path: '/blobs/' },
      action: { kind: 'slow', bytesPerSecond: 2_500_000 },
    });
  });
  afterAll(async () => {
    await mirror.stop();
    await pipeline[Symbol.asyncDispose]();
  });

  it.each([80, 60, 40])('the bars of drayage copy stay within %i columns, and disappear', async (columns) => {
    const { host } = pipeline.upstream;
    await using copy = startOnTerminal(
      ['copy', '--plain-http', '--all-tags', `${host}/acme/shop`, `${mirror.host}/at-${columns}`],
      columns,
    );
    await copy.sees('1 of 3 blobs');
    expect(await copy.ended).toBe(0);
    expect(copy.screen.wrapped).toEqual([]);
    const text = copy.screen.shown.join(' ').replaceAll(/\s+/g, ' ');
    const digest = image.manifest.digest.slice(0, 'sha256:'.length + 8);
    expect(text).toMatch(
      new RegExp(`^1\\.0 ${digest}\\w*… copied 3 .* present 0 \\(0 B\\) 127.* in [\\d.]+ s$`),
    );
  });

  it.each([80, 60, 40])('the plan of drayage copy has %i columns', async (columns) => {
    const { host } = pipeline.upstream;
    const args = [
      'copy',
      '--dry-run',
      '--plain-http',
      `${host}/acme/shop:1.0`,
      `${mirror.host}/plan/shop:1.0`,
    ];
    await using plan = startOnTerminal(args, columns);
    expect(await plan.ended).toBe(0);
    expect(plan.screen.wrapped).toEqual([]);
    expect(
      plan.screen.shown.filter((line) => /^ {2}missing +sha256:[0-9a-f]+… +\S+ .?B$/.test(line)),
    ).toHaveLength(3);
  });

  it('the description of webhooks fits, except for what is to be copied', async () => {
    for (const args of [['list'], ['list', 'distribution'], ['list', 'hub', '--secrets']]) {
      await using list = startOnTerminal(['webhooks', ...args, '--api', pipeline.api], 80);
      expect(await list.ended).toBe(0);
      expect(list.screen.wrapped.filter((line) => !line.includes('http://127.0.0.1:'))).toEqual([]);
    }
  });
});
