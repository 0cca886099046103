import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { apiFailures } from './api-failures.ts';
import { connectionFailures } from './connection-failures.ts';
import { fileFailures } from './file-failures.ts';
import { localFailures } from './local-failures.ts';
import { registryFailures } from './registry-failures.ts';
import { type Failure, Scene } from './scene.ts';
import { syncFailures } from './sync-failures.ts';

const failures: Failure[] = [
  ...connectionFailures,
  ...registryFailures,
  ...syncFailures,
  ...apiFailures,
  ...fileFailures,
  ...localFailures,
];

/** The messages that a page of documentation quotes, with the names that the scenes use. */
function quotedMessages(page: string): string[] {
  const text = readFileSync(new URL(`../../../docs/${page}`, import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/^```text\n(drayage: .*?)^```$/gms)].flatMap(([, block = '']) =>
    block.trimEnd().split('\n'),
  );
  const cells = [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, cell = '']) => cell);
  return [...blocks, ...(page === 'troubleshooting.md' ? cells : [])].map((line) =>
    line
      .replaceAll('registry.example:5000', '127.0.0.1:SRC')
      .replaceAll('localhost:8080', 'localhost:API')
      .replace(/\(tried [^)]*\)/, '(tried ADDRESSES)'),
  );
}

describe('failures that a user meets', () => {
  const seen = new Map<string, string>();

  describe.concurrent('are provoked', () => {
    it.for(failures)('%s', { timeout: 120_000 }, async ([title, provoke], { expect }) => {
      await using scene = new Scene();
      const told = await provoke(scene);
      expect(told).toMatch(/\[exit code [1-3]\]$/);
      expect(told).not.toMatch(/^ {4}at /m);
      seen.set(title, told);
    });
  });

  it.each(['troubleshooting.md', 'copy.md'])('are quoted unchanged in docs/%s', (page) => {
    const golden = readFileSync(new URL('failures.txt', import.meta.url), 'utf8');
    const quoted = quotedMessages(page);
    expect(quoted).not.toEqual([]);
    expect(quoted.filter((line) => !golden.includes(line))).toEqual([]);
  });

  it('are the ones in failures.txt', async () => {
    const blocks = failures.map(([title]) => `# ${title}\n${seen.get(title)}\n`);
    await expect(blocks.join('\n')).toMatchFileSnapshot('failures.txt');
  });
});
