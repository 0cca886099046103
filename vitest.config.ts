import { defineConfig } from 'vitest/config';

/**
 * The local stack runs functions in worker threads. Where the processor has memory protection keys,
 * V8 loses track of their code pages now and then, and ends the process (“Check failed:
 * jit_page.has_value()”): https://github.com/nodejs/node/issues/64500
 */
const execArgv = ['--no-memory-protection-keys'];

/** One project a suite; `npm test` runs those that need only what `npm ci` brings. */
const suite = (name: string, options: Record<string, unknown> = {}) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    environment: 'node' as const,
    execArgv,
    restoreMocks: true,
    ...options,
  },
});

/** CI wants the numbers in a file, too. */
const report = process.env.DRAYAGE_TEST_REPORT;

export default defineConfig({
  test: {
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: [
      suite('unit', { setupFiles: ['test/support/block-network.ts', 'test/support/fixed-seed.ts'] }),
      suite('contract', { testTimeout: 30_000 }),
      suite('local', { testTimeout: 60_000, hookTimeout: 60_000 }),
      suite('cdk', { isolate: false, testTimeout: 120_000, hookTimeout: 120_000 }),
      suite('demo', { testTimeout: 120_000 }),
      suite('deploy', { testTimeout: 600_000, hookTimeout: 600_000 }),
      // One browser and one stack at a time: what is measured is the page.
      suite('browser', {
        testTimeout: 120_000,
        hookTimeout: 120_000,
        fileParallelism: false,
        expect: { poll: { timeout: 20_000 } },
      }),
      suite('consumers', { testTimeout: 180_000, hookTimeout: 180_000 }),
    ],
  },
});
