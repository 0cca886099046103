import { DeleteCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { AwaitedSignatures, AwaitingImage, UnverifiedImage } from '../../../jobs/ports.ts';
import type { DigestKey, ImageKey } from '../../../mapping/record.ts';
import type { Digest } from '../../../oci/digest.ts';
import type { Table } from '../table.ts';
import { repositoryPartition } from './tag-item.ts';

/** A signature that comes later than this wakes nobody; the next comparison finds it, seconds. */
const keptSeconds = 30 * 24 * 3_600;
/** A digest has a few tags. Of more than this, the others find the signature by themselves. */
const mostImages = 100;

/** The notes about images that are not verified, each an item of its own. */
export class DynamoAwaitedSignatures implements AwaitedSignatures {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async note({ key, digest, job, now }: UnverifiedImage): Promise<string | undefined> {
    const item = {
      ...itemKey(key, digest),
      reference: key.reference,
      job,
      expiresAt: Math.floor(now.getTime() / 1_000) + keptSeconds,
    };
    const { client, name: TableName } = this.#table;
    const { Attributes } = await client.send(
      new PutCommand({ TableName, Item: item, ReturnValues: 'ALL_OLD' }),
    );
    return Attributes?.job as string | undefined;
  }

  async of(key: DigestKey): Promise<AwaitingImage[]> {
    const { client, name: TableName } = this.#table;
    const { pk, sk } = itemKey({ ...key, reference: '' }, key.reference);
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :digest)',
        ExpressionAttributeValues: { ':pk': pk, ':digest': sk },
        ConsistentRead: true,
        Limit: mostImages,
      }),
    );
    return Items.map(({ reference, job }) => ({ reference: reference as string, job: job as string }));
  }

  async clear(key: ImageKey, digest: Digest): Promise<void> {
    const { client, name: TableName } = this.#table;
    await client.send(new DeleteCommand({ TableName, Key: itemKey(key, digest) }));
  }
}

function itemKey({ registry, repository, reference }: ImageKey, digest: Digest) {
  return { pk: repositoryPartition(`${registry}/${repository}`), sk: `unsigned#${digest}#${reference}` };
}
