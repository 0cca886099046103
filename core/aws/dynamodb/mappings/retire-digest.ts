import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { DigestKey } from '../../../mapping/record.ts';
import { conditional, queryPages, readItem, type Table } from '../table.ts';
import { retireChildren, sameClaim } from './digest-children.ts';
import { listedSortKey, type TagItem, tagItemKey } from './tag-item.ts';

/**
 * Lets the item of a digest expire, and those of its children with it, unless a tag of its
 * repository is mapped to the digest, an index names it, or it was published in its own right.
 *
 * Another worker may map a tag to it at the same time. That changes the item's claim before the tag
 * is published, and again after it. If this write falls between
 * the two, the second change reverts it. Before or after them, the claim or the tag is visible.
 */
export async function retireDigest(table: Table, key: DigestKey, expiresAt: Date): Promise<boolean> {
  const { client, name: TableName } = table;
  const itemKey = tagItemKey(key);
  const item = (await readItem(table, itemKey)) as TagItem | undefined;
  if (!item?.mapping || item.listed || item.parents) return false;
  const tagged = await taggedDigests(table, itemKey.pk);
  if (tagged.has(key.reference)) return false;
  const seconds = Math.floor(expiresAt.getTime() / 1_000);
  const written = await conditional(
    client.send(
      new UpdateCommand({
        TableName,
        Key: itemKey,
        UpdateExpression: 'SET expiresAt = :expiresAt',
        ConditionExpression: `attribute_not_exists(listed) AND attribute_not_exists(parents) AND ${sameClaim(item.claim)}`,
        ExpressionAttributeValues: {
          ':expiresAt': seconds,
          ...(item.claim !== undefined && { ':claim': item.claim }),
        },
      }),
    ),
  );
  if (written === undefined) return false;
  const { children = [] } = item;
  if (children.length > 0) await retireChildren(table, key, { children, tagged, expiresAt: seconds });
  return true;
}

/** The digests that the tags of a repository are mapped to. */
async function taggedDigests(table: Table, pk: string): Promise<Set<string>> {
  const digests = new Set<string>();
  const pages = queryPages(table, {
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :tags)',
    ProjectionExpression: '#mapping.digest',
    ExpressionAttributeNames: { '#mapping': 'mapping' },
    ExpressionAttributeValues: { ':pk': pk, ':tags': listedSortKey('') },
  });
  for await (const items of pages)
    for (const { mapping } of items as Pick<TagItem, 'mapping'>[])
      if (mapping?.digest) digests.add(mapping.digest);
  return digests;
}
