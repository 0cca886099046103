import type { ScanPlace, ScanWaits } from '../../../jobs/requirements/ports.ts';
import { readItem, type Table, updateItem } from '../table.ts';

/** Longer than any job waits for a scan, in seconds. */
const keptSeconds = 24 * 3_600;
/** More jobs of one image are not woken: they look themselves. */
const mostJobs = 20;

/** The jobs that wait for scans, in an item for each image. */
export class DynamoScanWaits implements ScanWaits {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async add(image: ScanPlace, job: string, now: Date): Promise<void> {
    await updateItem(this.#table, keyOf(image), {
      update: 'ADD jobs :job SET expiresAt = :expires',
      values: {
        ':job': new Set([job]),
        ':expires': Math.ceil(now.getTime() / 1_000) + keptSeconds,
      },
    });
  }

  async jobs(image: ScanPlace): Promise<string[]> {
    const { jobs } = (await readItem(this.#table, keyOf(image))) ?? {};
    // IDs begin with the time: the newest jobs are those that still wait.
    return jobs instanceof Set ? [...(jobs as Set<string>)].sort().slice(-mostJobs) : [];
  }
}

function keyOf({ repository, digest }: ScanPlace) {
  return { pk: `scans#${repository}`, sk: digest };
}
