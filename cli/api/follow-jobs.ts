import { setTimeout as sleep } from 'node:timers/promises';
import { inParallel } from '../../core/async/in-parallel.ts';
import { isFinished } from '../../core/jobs/record.ts';
import type { DrayageApi, Job } from './client.ts';
import { RequestError } from './request-error.ts';

/** How jobs are followed. */
export interface FollowOptions {
  /** How long to wait between requests. */
  everyMs: number;
  /** How long to follow them at most. */
  withinMs: number;
  /** How long the API may fail to answer; by default, it must always answer. */
  patienceMs?: number;
  /** Called with each answer. */
  onLook?(job: Job): void;
  /** Called once for each time that the API stops answering. */
  onTrouble?(error: RequestError): void;
  signal?: AbortSignal | undefined;
}

/** How many jobs are asked for at once. */
const atOnce = 8;

/**
 * Follows a job until it ends, however it ends.
 *
 * @returns the job as it was last seen: unfinished if it took too long
 */
export async function followJob(api: DrayageApi, id: string, options: FollowOptions): Promise<Job> {
  const [job] = await followJobs(api, [id], options);
  if (job === undefined) throw new Error(`job ${id} was never asked for`);
  return job;
}

/**
 * Follows jobs side by side until the last one ends, however they end.
 *
 * @returns the jobs as they were last seen, in the order of their ids: unfinished if it took too
 *   long
 * @throws RequestError if the API fails; the signal's reason if it is aborted
 */
export async function followJobs(
  api: DrayageApi,
  ids: readonly string[],
  options: FollowOptions,
): Promise<Job[]> {
  const { everyMs, withinMs, onLook, signal } = options;
  const until = Date.now() + withinMs;
  const seen = new Map<string, Job>();
  const isOpen = (id: string) => !isFinished(seen.get(id) ?? { state: 'queued' });
  const patience = new Patience(options);
  for (;;) {
    await patience.with(() =>
      inParallel(
        ids.filter(isOpen),
        atOnce,
        async (id) => {
          const job = await api.job(id);
          seen.set(id, job);
          onLook?.(job);
        },
        signal,
      ),
    );
    const late = Date.now() > until && seen.size === ids.length;
    if (late || !ids.some(isOpen)) return ids.flatMap((id) => seen.get(id) ?? []);
    await sleep(everyMs, undefined, { signal });
  }
}

/** Bears with an API that does not answer for a while. */
export class Patience {
  readonly #options: Pick<FollowOptions, 'patienceMs' | 'onTrouble'>;
  #failingSince: number | undefined;

  constructor(options: Pick<FollowOptions, 'patienceMs' | 'onTrouble'>) {
    this.#options = options;
  }

  async with(ask: () => Promise<unknown>): Promise<void> {
    const { patienceMs = 0, onTrouble } = this.#options;
    try {
      await ask();
      this.#failingSince = undefined;
    } catch (error) {
      if (!(error instanceof RequestError) || !isTemporary(error)) throw error;
      if (this.#failingSince === undefined) onTrouble?.(error);
      this.#failingSince ??= Date.now();
      if (Date.now() - this.#failingSince >= patienceMs) throw error;
    }
  }
}

/** Whether the same request may succeed a little later. */
export function isTemporary({ status, problem }: RequestError): boolean {
  return problem !== undefined || status === 429 || (status !== undefined && status >= 500);
}
