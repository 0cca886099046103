import { GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { DigestKey } from '../../mapping/record.ts';
import { conditional, type Table } from './table.ts';
import { listedSortKey, type TagItem, tagItemKey } from './tag-item.ts';

/**
 * Lets the item of a digest expire, unless a tag of its repository is mapped to the digest or it
 * was published in its own right.
 *
 * Another worker may map a tag to it at the same time. That changes the item's claim before the tag
 * is published and, because the item already existed, again after it. If this write falls between
 * the two, the second change reverts it. Before or after them, the claim or the tag is visible.
 */
export async function retireDigest(table: Table, key: DigestKey, expiresAt: Date): Promise<boolean> {
  const { client, name: TableName } = table;
  const itemKey = tagItemKey(key);
  const { Item } = await client.send(new GetCommand({ TableName, Key: itemKey, ConsistentRead: true }));
  const item = Item as TagItem | undefined;
  if (!item?.mapping || item.listed || (await isTagged(table, itemKey.pk, key.reference))) return false;
  const written = await conditional(
    client.send(
      new UpdateCommand({
        TableName,
        Key: itemKey,
        UpdateExpression: 'SET expiresAt = :expiresAt',
        ConditionExpression: `attribute_not_exists(listed) AND ${item.claim === undefined ? 'attribute_not_exists(claim)' : 'claim = :claim'}`,
        ExpressionAttributeValues: {
          ':expiresAt': Math.floor(expiresAt.getTime() / 1_000),
          ...(item.claim !== undefined && { ':claim': item.claim }),
        },
      }),
    ),
  );
  return written !== undefined;
}

/** Whether a tag of a repository is mapped to a digest. */
async function isTagged({ client, name: TableName }: Table, pk: string, digest: string): Promise<boolean> {
  let next: Record<string, unknown> | undefined;
  do {
    const page = await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :tags)',
        FilterExpression: '#mapping.digest = :digest',
        ProjectionExpression: 'sk',
        ExpressionAttributeNames: { '#mapping': 'mapping' },
        ExpressionAttributeValues: { ':pk': pk, ':tags': listedSortKey(''), ':digest': digest },
        ConsistentRead: true,
        ExclusiveStartKey: next,
      }),
    );
    if ((page.Items ?? []).length > 0) return true;
    next = page.LastEvaluatedKey;
  } while (next);
  return false;
}
