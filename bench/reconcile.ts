import type { BenchOptions } from './options.ts';
import { benchBackfill } from './reconcile/backfill.ts';
import { benchLargeReconcile } from './reconcile/large.ts';
import { benchPullLimit } from './reconcile/pull-limit.ts';

const parts: Record<string, () => Promise<string>> = {
  large: benchLargeReconcile,
  backfill: benchBackfill,
  pulls: benchPullLimit,
};

/** Comparing upstreams with the mirror; `--cases large,backfill,pulls` picks some. */
export async function benchReconcile({ cases = Object.keys(parts) }: BenchOptions): Promise<string> {
  const reports: string[] = [];
  for (const [name, measure] of Object.entries(parts))
    if (cases.includes(name)) reports.push(await measure());
  return reports.join('\n\n');
}
