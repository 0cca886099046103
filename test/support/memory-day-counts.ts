import type { DayCount, DayCounts } from '../../core/jobs/savings/counts.ts';
import { addTo } from '../../core/jobs/savings/sum.ts';

/** Counters by day and upstream in memory. */
export class MemoryDayCounts implements DayCounts {
  readonly #counts = new Map<string, DayCount & { lags: Map<number, number> }>();
  /** How often something was written. */
  writes = 0;

  async add(more: DayCount): Promise<void> {
    this.writes += 1;
    const place = `${more.day}#${more.registry}`;
    const count = this.#counts.get(place);
    if (count === undefined) {
      this.#counts.set(place, { ...structuredClone(more), lags: new Map(more.lags) });
      return;
    }
    addTo(count, more);
    for (const [bucket, jobs] of more.lags) count.lags.set(bucket, (count.lags.get(bucket) ?? 0) + jobs);
  }

  async read(from: string, to: string): Promise<DayCount[]> {
    const places = [...this.#counts.keys()].sort();
    return places
      .flatMap((place) => this.#counts.get(place) ?? [])
      .filter(({ day }) => from <= day && day <= to)
      .map((count) => structuredClone(count));
  }
}
