import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { overallProgress } from '../../../../cli/copy/overall-progress.ts';
import { progressWatcher } from '../../../../cli/copy/progress.ts';
import type { CopyPlan } from '../../../../core/copy/plan.ts';
import type { Descriptor } from '../../../../core/oci/descriptor.ts';
import { digestOf } from '../../../../core/oci/digest.ts';
import { FakeScreen } from '../../../support/screen.ts';

const blob = (name: string, size: number): Descriptor => ({
  mediaType: 'application/octet-stream',
  digest: digestOf(Buffer.from(name)),
  size,
});
const short = ({ digest }: Descriptor) => digest.slice(0, 19);
const pair = { src: { registry: 'a', repository: 'b' }, dst: { registry: 'c', repository: 'd' } };
const planOf = (...missing: Descriptor[]) => ({ missing, blobs: missing }) as unknown as CopyPlan;

describe('the progress of a copy', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const [one, two, three] = [blob('one', 4_000_000), blob('two', 1_000_000), blob('three', 500)];

  it('shows a bar for each blob under way and one for all; finished bars leave, and at the end all do', () => {
    const screen = new FakeScreen(100, 20);
    const watcher = progressWatcher(screen);
    watcher.planned(pair, planOf(one, two, three));
    for (const each of [one, two]) watcher.blob({ type: 'start', blob: each });
    watcher.blob({ type: 'bytes', blob: one, bytes: 1_000_000 });
    vi.advanceTimersByTime(1_000);
    expect(screen.shown[0]).toMatch(new RegExp(`^${short(one)} {2}4\\.00 MB {2}█+░+ +25 % {2}1\\.00 MB/s$`));
    expect(screen.shown[1]).toMatch(new RegExp(`^${short(two)} {2}1\\.00 MB {2}░+ +0 % {2}0 B/s$`));
    expect(screen.shown[2]).toMatch(/^0 of 3 blobs {9}5\.00 MB {2}█+░+ +19 % {2}1\.00 MB\/s {2}5 s left$/);
    watcher.blob({ type: 'bytes', blob: two, bytes: 1_000_000 });
    watcher.blob({ type: 'end', blob: two, how: 'copied' });
    vi.advanceTimersByTime(100);
    expect(screen.shown.some((line) => line.startsWith(short(two)))).toBe(false);
    expect(screen.shown.at(-1)).toMatch(/^1 of 3 blobs .* 39 %/);
    watcher.blobsEnded();
    expect(screen.shown).toEqual([]);
    vi.advanceTimersByTime(1_000);
    expect(screen.shown).toEqual([]);
  });

  it('starts a blob’s bar over when the blob is restarted, and counts what did not travel as done', () => {
    const screen = new FakeScreen(100, 20);
    const watcher = progressWatcher(screen);
    watcher.planned(pair, planOf(one, two));
    for (const each of [one, two]) watcher.blob({ type: 'start', blob: each });
    watcher.blob({ type: 'bytes', blob: one, bytes: 3_000_000 });
    watcher.blob({ type: 'restart', blob: one, bytes: 3_000_000, error: new Error('broke off') });
    watcher.blob({ type: 'end', blob: two, how: 'mounted' });
    vi.advanceTimersByTime(100);
    expect(screen.shown[0]).toMatch(new RegExp(`^${short(one)} .* 0 % +attempt 2$`));
    expect(screen.shown[1]).toMatch(/^1 of 2 blobs .* 20 %/);
  });

  it.each([
    [100, 6],
    [60, 4],
    [20, 2],
    [9, 1],
  ])('stays within %i columns and %i rows', (columns, rows) => {
    const screen = new FakeScreen(columns, rows);
    const watcher = progressWatcher(screen);
    const blobs = Array.from({ length: 20 }, (_, index) => blob(`${index}`, 1_000 + index));
    watcher.planned(pair, planOf(...blobs));
    for (const each of blobs) watcher.blob({ type: 'start', blob: each });
    vi.advanceTimersByTime(2_000);
    expect(screen.shown.length).toBeLessThanOrEqual(Math.max(1, rows - 1));
    // Drawing on the only row has to scroll; with more rows, drawing never does.
    if (rows > 1) expect(screen.history).toEqual([]);
  });

  it('is a line now and then if there is no terminal, and none if nothing is missing', () => {
    const written: string[] = [];
    const pipe = { isTTY: false, columns: 0, rows: 0, write: (text: string) => written.push(text) > 0 };
    const watcher = progressWatcher(pipe);
    watcher.planned(pair, planOf());
    watcher.blobsEnded();
    expect(written).toEqual([]);
    watcher.planned(pair, planOf(one));
    watcher.blob({ type: 'start', blob: one });
    for (let i = 0; i < 40; i++) {
      vi.advanceTimersByTime(100);
      watcher.blob({ type: 'bytes', blob: one, bytes: 100_000 });
    }
    watcher.blob({ type: 'end', blob: one, how: 'copied' });
    watcher.blobsEnded();
    expect(written).toEqual([
      'copying 1 of 1 blobs: 50 %  2.00 MB of 4.00 MB  1.00 MB/s\n',
      'copying 1 of 1 blobs: 100 %  4.00 MB of 4.00 MB  1.00 MB/s\n',
      'copying 1 of 1 blobs: 100 %  4.00 MB of 4.00 MB  1.00 MB/s\n',
    ]);
  });

  it('of many images shows how many are done and all blobs that travel, and makes room for what is written', () => {
    const screen = new FakeScreen(100, 20);
    const progress = overallProgress(screen, 'tag', 3);
    progress.planned(pair, planOf(one, two));
    progress.planned(pair, planOf(three));
    progress.blob({ type: 'start', blob: one });
    progress.blob({ type: 'start', blob: three });
    progress.blob({ type: 'bytes', blob: one, bytes: 2_000_000 });
    vi.advanceTimersByTime(100);
    expect(screen.shown[0]).toBe('0 of 3 tags done');
    expect(screen.shown.slice(1, 3).map((line) => line.slice(0, 19))).toEqual([short(one), short(three)]);
    expect(screen.shown.at(-1)).toMatch(/^0 of 3 blobs .* 39 %/);
    progress.blob({ type: 'end', blob: three, how: 'copied' });
    progress.imageEnded();
    progress.clear();
    expect(screen.shown).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(screen.shown[0]).toBe('1 of 3 tags done');
    progress.stop();
    vi.advanceTimersByTime(1_000);
    expect(screen.shown).toEqual([]);
  });

  it('of many images is a line every five seconds if there is no terminal', () => {
    const written: string[] = [];
    const pipe = { isTTY: false, columns: 0, rows: 0, write: (text: string) => written.push(text) > 0 };
    const progress = overallProgress(pipe, 'image', 2);
    progress.planned(pair, planOf(one));
    progress.blob({ type: 'start', blob: one });
    progress.blob({ type: 'bytes', blob: one, bytes: 1_000_000 });
    vi.advanceTimersByTime(5_000);
    progress.stop();
    vi.advanceTimersByTime(5_000);
    expect(written).toEqual(['0 of 2 images done, 1.00 MB of 4.00 MB\n']);
  });
});
