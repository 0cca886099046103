import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Counted, countUse } from '../../bench/cost/count.ts';
import { deployedIn } from '../../bench/cost/deployed.ts';
import { counts, type Use } from '../../core/cost/counts.ts';

/** How far a count may be from the recorded one, and what to do if it is. */
const remedy = 'the pipeline asks AWS for more or less than it did: npm run bench -- cost, then npm run docs';
/**
 * On a busy machine, a call is repeated or a cached value read again: a count may be that much
 * above or below the recorded one. What costs twice as much is found.
 */
const mayDiffer = (recorded: number) => Math.max(4, recorded / 2);

describe('what drayage cost multiplies', () => {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-cost-'));
  let counted: Counted;
  beforeAll(async () => {
    counted = await countUse(folder);
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What does not depend on time or machine. */
  const exact = ({ functions, sqsFifo, sqsStandard, s3Puts, busEvents }: Use) => ({
    invocations: Object.fromEntries(
      Object.entries(functions).map(([name, each]) => [name, each.invocations]),
    ),
    sqsFifo,
    sqsStandard,
    s3Puts,
    busEvents,
  });
  const pairs = (): [string, Use, Use][] => [
    ['the first image of a repository', counted.pushes.first, counts.pushes.first],
    ['a next version', counted.pushes.next, counts.pushes.next],
    ['nothing new', counted.pushes.nothing, counts.pushes.nothing],
    ['a minute without work', counted.idleMinute, counts.idleMinute],
    ['a snapshot', counted.snapshot, counts.snapshot],
  ];

  it('is what the pipeline asks for', () => {
    for (const [what, now, recorded] of pairs()) {
      expect(exact(now), `${what}: ${remedy}`).toEqual(exact(recorded));
      for (const units of ['tableReads', 'tableWrites', 's3Gets', 'registryRequests'] as const)
        expect(Math.abs(now[units] - recorded[units]), `${what}, ${units}: ${remedy}`).toBeLessThanOrEqual(
          mayDiffer(recorded[units]),
        );
      expect(now.logBytes, `${what}, log: ${remedy}`).toBeLessThan(recorded.logBytes * 1.5 + 100);
      expect(now.logBytes, `${what}, log: ${remedy}`).toBeGreaterThan(recorded.logBytes * 0.5 - 100);
    }
  });

  it('is what the smallest deployment has', () => {
    const { metrics, ...deployed } = counts.deployed;
    expect(deployedIn(), remedy).toEqual(deployed);
    expect(counted.metrics.length, remedy).toBe(metrics);
  });
});
