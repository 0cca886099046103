import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { reportLayerProgress } from '../../../../core/jobs/layers/layer-progress.ts';
import { blobOf } from '../../../support/memory-image.ts';

describe('the progress of a layer', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const blob = blobOf('0123456789');
  const reporter = (report = vi.fn(async (_: { blobs: number; bytes: number }) => {})) => {
    const failures: unknown[] = [];
    const progress = reportLayerProgress(report, (error) => failures.push(error));
    return { report, failures, progress, told: () => report.mock.calls.map(([more]) => more) };
  };

  it('reports once a second what is new, and nothing if nothing is', async () => {
    const { progress, told } = reporter();
    progress.onEvent({ type: 'start', blob });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(told()).toEqual([]);
    progress.onEvent({ type: 'bytes', blob, bytes: 3 });
    progress.onEvent({ type: 'bytes', blob, bytes: 2 });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(told()).toEqual([{ blobs: 0, bytes: 5 }]);
    progress.onEvent({ type: 'restart', blob, bytes: 5, error: new Error('cut') });
    await vi.advanceTimersByTimeAsync(1_000);
    progress.onEvent({ type: 'bytes', blob, bytes: 10 });
    progress.onEvent({ type: 'end', blob, how: 'copied' });
    await progress.stop(true);
    expect(told().slice(1)).toEqual([
      { blobs: 0, bytes: -5 },
      { blobs: 1, bytes: 10 },
    ]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(told()).toHaveLength(3);
  });

  it('counts a mounted layer whole', async () => {
    const { progress, told } = reporter();
    progress.onEvent({ type: 'end', blob, how: 'mounted' });
    await progress.stop(true);
    expect(told()).toEqual([{ blobs: 1, bytes: 10 }]);
  });

  it('takes back what was reported of a layer that did not finish', async () => {
    const { progress, told } = reporter();
    progress.onEvent({ type: 'bytes', blob, bytes: 7 });
    await vi.advanceTimersByTimeAsync(1_000);
    progress.onEvent({ type: 'bytes', blob, bytes: 2 });
    await progress.stop(false);
    expect(told()).toEqual([
      { blobs: 0, bytes: 7 },
      { blobs: 0, bytes: -7 },
    ]);
  });

  it('includes in the next report what a failed one was about', async () => {
    const report = vi.fn(async (_: { blobs: number; bytes: number }) => {});
    report.mockRejectedValueOnce(new Error('throttled'));
    const { progress, failures, told } = reporter(report);
    progress.onEvent({ type: 'bytes', blob, bytes: 4 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(failures).toEqual([new Error('throttled')]);
    progress.onEvent({ type: 'bytes', blob, bytes: 6 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(told()).toEqual([
      { blobs: 0, bytes: 4 },
      { blobs: 0, bytes: 10 },
    ]);
    await progress.stop(true);
  });
});
