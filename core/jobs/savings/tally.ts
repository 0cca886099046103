import { emptyTransfer } from '../../copy/ports.ts';
import type { JobRecord } from '../record.ts';
import { type DayCount, type DayCounts, dayOf } from './counts.ts';
import { lagBucket } from './lag.ts';
import { addTo } from './sum.ts';

/** A job whose end is recorded: it has published an image. */
export type CountedJob = Pick<JobRecord, 'key' | 'trigger' | 'transfer'> & {
  finishedAt: Date;
  lagMs: number;
};

/** Gathers what the jobs of an invocation add to the counters, for one write instead of many. */
export class SavingsTally {
  #counts = new Map<string, DayCount & { lags: Map<number, number> }>();

  /** Counts a job; its caller makes sure that no job is counted twice. */
  count({ key: { registry }, trigger, transfer, finishedAt, lagMs }: CountedJob): void {
    if (transfer === undefined) return;
    const day = dayOf(finishedAt);
    const place = `${day}#${registry}`;
    const counted = this.#counts.get(place) ?? {
      day,
      registry,
      images: 0,
      ...emptyTransfer(),
      lags: new Map<number, number>(),
    };
    this.#counts.set(place, counted);
    addTo(counted, { ...transfer, images: 1 });
    // Nobody waits for what a comparison or a later look finds.
    if (trigger !== 'webhook' || !Number.isFinite(lagMs)) return;
    const bucket = lagBucket(lagMs);
    counted.lags.set(bucket, (counted.lags.get(bucket) ?? 0) + 1);
  }

  /**
   * Adds what was gathered to the counters, with a write for each upstream. It never rejects.
   *
   * @param warn is told what could not be written; it is not counted then
   */
  async write(
    counts: () => Pick<DayCounts, 'add'>,
    warn: (message: string, error: unknown) => void,
  ): Promise<void> {
    const gathered = [...this.#counts.values()];
    this.#counts.clear();
    const writes = gathered.map(async (count) => {
      try {
        await counts().add(count);
      } catch (error) {
        warn(`what was mirrored from ${count.registry} could not be counted`, error);
      }
    });
    await Promise.all(writes);
  }
}
