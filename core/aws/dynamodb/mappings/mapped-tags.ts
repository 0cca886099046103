import type { ImageKey } from '../../../mapping/record.ts';
import type { MappedTag } from '../../../mapping/store.ts';
import { isDigest } from '../../../oci/digest.ts';
import { queryPages, type Table } from '../table.ts';
import { imageKeyOf, listedSortKey, repositoryPartition, type TagItem } from './tag-item.ts';

/** The tags of a repository that are mapped or pinned, in order of tag. */
export async function* mappedTags(
  table: Table,
  { registry, repository }: Pick<ImageKey, 'registry' | 'repository'>,
): AsyncGenerator<MappedTag> {
  const pages = queryPages(table, {
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :tags)',
    FilterExpression: 'attribute_exists(#mapping) OR removed.#mapping.pin = :yes',
    // Reading costs the same with the rest; parsing it does not.
    ProjectionExpression: 'pk, sk, #mapping, removed, committed',
    ExpressionAttributeNames: { '#mapping': 'mapping' },
    ExpressionAttributeValues: {
      ':pk': repositoryPartition(`${registry}/${repository}`),
      ':tags': listedSortKey(''),
      ':yes': true,
    },
  });
  for await (const items of pages) {
    for (const item of items as unknown as TagItem[]) {
      const tag = imageKeyOf(item).reference;
      const known = item.mapping ?? item.removed?.mapping;
      if (known === undefined || isDigest(tag)) continue;
      yield {
        tag,
        ...(item.mapping && { sourceDigest: item.mapping.sourceDigest }),
        digest: known.digest,
        mirrorRepository: known.mirrorRepository,
        pin: known.pin,
        ...(item.committed && { fingerprint: item.committed.fingerprint }),
      };
    }
  }
}
