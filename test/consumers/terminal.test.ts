import { describe, expect, it } from 'vitest';
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

  it('goes on in a window that becomes narrower, and wider', async () => {
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
    // What was written before is the terminal's to wrap.
    const since = lines.slice(lines.findIndex((line) => line.startsWith(' 5  ')));
    expect(screen.wrapped.filter((line) => since.includes(line))).toEqual([]);
  });
});
