import { type PullBudget, type PullLimit, pollMs, usablePulls } from '../../registry/pull-permits.ts';
import { conditional, type ItemUpdate, readItem, type Table, updateItem } from './table.ts';

/** Kept this long after the last change, in seconds. */
const retentionSeconds = 24 * 3600;

/** What the item of an upstream says. Times in milliseconds since 1970. */
interface BudgetItem {
  pulls?: number;
  /** Until when the number counts. */
  validUntil?: number;
  /** The window that the registry told. */
  windowMs?: number;
  /** When all are spent: when the registry is asked again. */
  askAt?: number;
}

/** The pulls that are left, in one item for each registry. */
export class DynamoPullBudget implements PullBudget {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async take(registry: string, now: Date): ReturnType<PullBudget['take']> {
    const ms = now.getTime();
    const isTaken = await this.#update(registry, {
      update: 'ADD pulls :less',
      condition: 'pulls > :none AND validUntil > :now',
      values: { ':less': -1, ':none': 0, ':now': ms },
    });
    if (isTaken) return { kind: 'taken' };
    const { validUntil = 0, windowMs = 0, askAt } = await this.#read(registry);
    if (validUntil <= ms || (askAt !== undefined && askAt <= ms)) return { kind: 'unknown' };
    if (askAt !== undefined) return { kind: 'spent', until: new Date(askAt) };
    // Requests that have their permission are counted by then.
    const until = ms + pollMs(windowMs);
    await this.#update(registry, {
      update: 'SET askAt = :until',
      condition: 'pulls <= :none AND attribute_not_exists(askAt)',
      values: { ':until': until, ':none': 0 },
    });
    return { kind: 'spent', until: new Date(until) };
  }

  async tell(registry: string, { left, windowMs }: PullLimit, now: Date): Promise<void> {
    const ms = now.getTime();
    const pulls = usablePulls(left);
    await this.#update(registry, {
      update:
        pulls > 0
          ? 'SET pulls = :pulls, validUntil = :until, windowMs = :window, expiresAt = :expires REMOVE askAt'
          : 'SET pulls = :pulls, validUntil = :until, windowMs = :window, expiresAt = :expires, askAt = :ask',
      condition:
        'attribute_not_exists(validUntil) OR validUntil <= :now OR (pulls <= :none AND askAt <= :now)',
      values: {
        ':pulls': pulls,
        ':until': ms + windowMs,
        ':window': windowMs,
        ':expires': Math.ceil((ms + windowMs) / 1_000) + retentionSeconds,
        ':now': ms,
        ':none': 0,
        ...(pulls > 0 ? {} : { ':ask': ms + pollMs(windowMs) }),
      },
    });
  }

  async #read(registry: string): Promise<BudgetItem> {
    return ((await readItem(this.#table, keyOf(registry))) ?? {}) as BudgetItem;
  }

  /** @returns whether the condition holds */
  async #update(registry: string, update: ItemUpdate): Promise<boolean> {
    const written = await conditional(updateItem(this.#table, keyOf(registry), update));
    return written !== undefined;
  }
}

function keyOf(registry: string) {
  return { pk: `upstream#${registry}`, sk: 'pulls' };
}
