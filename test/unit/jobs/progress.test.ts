import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CopyPlan } from '../../../core/copy/plan.ts';
import { reportProgress } from '../../../core/jobs/progress.ts';
import type { JobProgress } from '../../../core/jobs/record.ts';
import { blobOf } from '../../support/memory-image.ts';

describe('the reports of a copy’s progress', () => {
  const [small, large] = [blobOf('small'), blobOf('a larger one')];
  const plan = { missing: [large, small], present: [blobOf('there')] } as unknown as CopyPlan;
  const totals = { totalBlobs: 2, totalBytes: small.size + large.size };
  let told: JobProgress[] = [];
  const failures: unknown[] = [];
  beforeEach(() => {
    vi.useFakeTimers();
    told = [];
    failures.length = 0;
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const start = (report: (progress: JobProgress) => Promise<unknown> = async (now) => told.push(now)) =>
    reportProgress(plan, report, (error) => failures.push(error));

  it('come at once, each second while something changes, and at the end', async () => {
    const progress = start();
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toEqual([{ blobs: 0, bytes: 0, ...totals }]);

    progress.onEvent({ type: 'bytes', blob: large, bytes: 5 });
    progress.onEvent({ type: 'bytes', blob: large, bytes: large.size - 5 });
    expect(told).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(told.at(-1)).toEqual({ blobs: 0, bytes: large.size, ...totals });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(told).toHaveLength(2);

    progress.onEvent({ type: 'end', blob: large, how: 'copied' });
    await progress.stop();
    expect(told.at(-1)).toEqual({ blobs: 1, bytes: large.size, ...totals });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(told).toHaveLength(3);
  });

  it('take back the bytes of a blob that is begun anew, and count those of a mounted one', async () => {
    const progress = start();
    progress.onEvent({ type: 'bytes', blob: large, bytes: 7 });
    progress.onEvent({ type: 'restart', blob: large, bytes: 7, error: new Error('broke') });
    progress.onEvent({ type: 'bytes', blob: large, bytes: large.size });
    progress.onEvent({ type: 'end', blob: large, how: 'copied' });
    progress.onEvent({ type: 'end', blob: small, how: 'mounted' });
    await progress.stop();
    expect(told.at(-1)).toEqual({ blobs: 2, bytes: totals.totalBytes, ...totals });
  });

  it('never overtake each other, and one that fails hurts nothing', async () => {
    const reports: (() => void)[] = [];
    const progress = start(
      (now) =>
        new Promise((resolve, reject) => {
          reports.push(() =>
            reports.length === 1 ? reject(new Error('throttled')) : resolve(told.push(now)),
          );
        }),
    );
    await vi.advanceTimersByTimeAsync(0);
    progress.onEvent({ type: 'bytes', blob: large, bytes: 1 });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(reports).toHaveLength(1); // the first one hangs, the next waits for it
    reports[0]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(failures).toHaveLength(1);
    expect(reports).toHaveLength(2);

    const stopping = progress.stop();
    reports[1]?.();
    await stopping;
    expect(told).toEqual([{ blobs: 0, bytes: 1, ...totals }]);
  });
});
