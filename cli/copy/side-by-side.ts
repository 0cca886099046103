import { type Concurrency, fixedConcurrency, leastOf, timesLimit } from '../../core/async/concurrency.ts';
import { followedLimit } from '../../core/async/followed-limit.ts';
import type { ReferrersSummary } from '../../core/copy/referrers/referrers.ts';
import { explainFailure, type Failure } from './explain.ts';

/** What the work on one image came to: something was done, or it was equal already. */
export type Done<T> =
  | { outcome: 'done'; result: T }
  | { outcome: 'equal'; digest: string; referrers?: ReferrersSummary };

/** What became of one image: besides, it may have failed, or not been tried. */
export type Outcome<T> = Done<T> | { outcome: 'failed'; error: Failure } | { outcome: 'skipped' };

/**
 * So many images in a row that fail alike, in a way that is not the image's, say that the rest
 * would, too.
 */
export const failuresAlike = 3;
const registryFailures: ReadonlySet<string> = new Set([
  'UNAUTHORIZED',
  'DENIED',
  'TOOMANYREQUESTS',
  'CREDENTIALS_UNAVAILABLE',
  'CONNECTION',
  'TLS',
  'TIMEOUT',
  'UNAVAILABLE',
]);

/** Whether a failure is the registry's or the login's, so that other images meet it, too. */
export function isOfRegistry(code: string): boolean {
  return registryFailures.has(code);
}

/** An image mostly waits for small answers: so many of them keep one stream busy. */
const imagesPerStream = 4;
/** More images than this at once are not faster. */
const mostImages = 64;

/**
 * How many images are copied at once.
 *
 * @param wanted what the user asked for; by default as many as keep the registries' streams busy
 */
export function imagesAtOnce(
  wanted: number | undefined,
  registries: readonly { streams: Concurrency }[],
): Concurrency {
  if (wanted !== undefined) return fixedConcurrency(wanted);
  const streams = leastOf(registries.map((registry) => registry.streams));
  return timesLimit(streams, imagesPerStream, mostImages);
}

/** Whether it is of the whole registry: a login may be refused for one repository only. */
function isOfWholeRegistry(code: string): boolean {
  return isOfRegistry(code) && code !== 'UNAUTHORIZED' && code !== 'DENIED';
}

export interface SideBySideOptions<I, T> {
  /** How many images are worked on at once. */
  parallel: Concurrency;
  signal: AbortSignal;
  /** Images with the same group meet the same registries and logins: only they fail alike. */
  groupOf(image: I): { registry: string; repository: string };
  /** Called with each outcome as it comes. */
  told(outcome: Outcome<T>, image: I): void;
}

/**
 * Works on images side by side. One that fails keeps none of the others from its turn, unless
 * several in a row fail for a reason that is the registry's: then the rest of the group is skipped.
 *
 * @returns the outcomes in the order of the images
 * @throws InterruptedError when the signal ends, after all work has ended
 */
export async function sideBySide<I, T>(
  images: readonly I[],
  work: (image: I) => Promise<Done<T>>,
  { parallel, signal, groupOf, told }: SideBySideOptions<I, T>,
): Promise<Outcome<T>[]> {
  const { limit, stop } = followedLimit(parallel);
  const groups = new Map<string, GroupFailures>();
  const failuresOf = (name: string, counts: (code: string) => boolean) => {
    const group = groups.get(name) ?? new GroupFailures(counts);
    groups.set(name, group);
    return group;
  };
  const underWay: { image: I; error: unknown }[] = [];
  const attempt = async (image: I): Promise<Outcome<T>> => {
    try {
      return await work(image);
    } catch (error) {
      if (!signal.aborted) return { outcome: 'failed', error: explainFailure(error) };
      underWay.push({ image, error });
      throw error;
    }
  };
  const turns = images.map((image) =>
    limit(async () => {
      signal.throwIfAborted();
      const { registry, repository } = groupOf(image);
      const inGroups = [
        failuresOf(`registry ${registry}`, isOfWholeRegistry),
        failuresOf(`repository ${repository}`, isOfRegistry),
      ];
      const isHopeless = inGroups.some((group) => group.isHopeless);
      const outcome: Outcome<T> = isHopeless ? { outcome: 'skipped' } : await attempt(image);
      if (outcome.outcome !== 'skipped') for (const group of inGroups) group.take(outcome);
      told(outcome, image);
      return outcome;
    }),
  );
  const ended = await Promise.allSettled(turns);
  stop();
  if (signal.aborted) throw new InterruptedError(underWay);
  return ended.map((turn) => {
    if (turn.status === 'rejected') throw turn.reason;
    return turn.value;
  });
}

/** The signal ended while images were worked on: these, with what is true of each now. */
export class InterruptedError<I = unknown> extends Error {
  override readonly name = 'InterruptedError';
  readonly underWay: readonly { image: I; error: unknown }[];

  constructor(underWay: readonly { image: I; error: unknown }[]) {
    super('interrupted');
    this.underWay = underWay;
  }
}

/** Counts how many images in a row failed alike. */
class GroupFailures {
  readonly #counts: (code: string) => boolean;
  #code = '';
  #count = 0;

  /** @param counts whether a failure with this code says something about the rest of the group */
  constructor(counts: (code: string) => boolean) {
    this.#counts = counts;
  }

  get isHopeless(): boolean {
    return this.#count >= failuresAlike;
  }

  take(outcome: Outcome<unknown>): void {
    // Those under way with the last ones say nothing new.
    if (this.isHopeless) return;
    const code = outcome.outcome === 'failed' ? outcome.error.code : '';
    if (code !== this.#code) this.#count = 0;
    this.#code = code;
    if (this.#counts(code)) this.#count += 1;
  }
}
