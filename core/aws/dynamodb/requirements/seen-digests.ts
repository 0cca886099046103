import type { SeenDigests } from '../../../jobs/requirements/ports.ts';
import type { ImageKey } from '../../../mapping/record.ts';
import type { Digest } from '../../../oci/digest.ts';
import { conditional, readItem, type Table, updateItem } from '../table.ts';

/** Longer than any age that a rule can ask for, in seconds. */
const keptSeconds = 30 * 24 * 3_600;

/** The digests that tags were seen to point to, in an item for each tag. */
export class DynamoSeenDigests implements SeenDigests {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async since(key: ImageKey, digest: Digest, now: Date): Promise<Date> {
    const { registry, repository, reference } = key;
    const item = { pk: `seen#${registry}/${repository}`, sk: reference };
    const written = await conditional(
      updateItem(this.#table, item, {
        update: 'SET digest = :digest, seenAt = :now, expiresAt = :expires',
        condition: 'attribute_not_exists(digest) OR digest <> :digest',
        values: {
          ':digest': digest,
          ':now': now.getTime(),
          ':expires': Math.ceil(now.getTime() / 1_000) + keptSeconds,
        },
      }),
    );
    if (written) return now;
    const found = await readItem(this.#table, item);
    // Whoever has just replaced it has seen another digest: this one starts anew.
    return found?.digest === digest && typeof found.seenAt === 'number' ? new Date(found.seenAt) : now;
  }
}
