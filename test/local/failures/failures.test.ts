import { describe, expect, it } from 'vitest';
import { apiFailures } from './api-failures.ts';
import { connectionFailures } from './connection-failures.ts';
import { fileFailures } from './file-failures.ts';
import { localFailures } from './local-failures.ts';
import { registryFailures } from './registry-failures.ts';
import { type Failure, Scene } from './scene.ts';

const failures: Failure[] = [
  ...connectionFailures,
  ...registryFailures,
  ...apiFailures,
  ...fileFailures,
  ...localFailures,
];

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

  it('read as failures.txt has them', async () => {
    const blocks = failures.map(([title]) => `# ${title}\n${seen.get(title)}\n`);
    await expect(blocks.join('\n')).toMatchFileSnapshot('failures.txt');
  });
});
