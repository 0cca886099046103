import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  type DynamoDBClientConfig,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { timeouts } from '../connection.ts';

/**
 * The one table. Its items, by partition key `pk` and sort key `sk` (both strings):
 *
 * | pk | sk | what | | --- | --- | --- | | `repo#<registry>/<repository>` | `ref#<tag>` | counters,
 * lease and mapping of a tag | | `repo#<registry>/<repository>` | `digest#<digest>` | the same of a
 * digest | | `repo#<registry>/<repository>` | `ref#<digest>` | that the digest was published for
 * its own sake, for listing | | `repos` | `<registry>/<repository>` | that the repository has
 * mappings, for listing | | `registries` | `<region>` | where the region's mirror registry is
 * reached | | `jobs#<month>#<shard>` | `<job id>` | a job | | `parked#<shard>` | `<notBefore>#<job
 * id>` | when a waiting job is due, and what it is should it have no record | |
 * `layer#<region>#<digest>` | `holders` | the repositories of the region's mirror that hold the
 * blob, eight at most | | `upload#<region>#<mirror repository>` | `<digest>` | how far the upload
 * of a blob in parts is | | `carried#<mirror repository>` | `<digest>` | who carries the layer
 * there, or that it is queued, and until when | | `webhooks` | `<name>` | how often the webhook's
 * secret was rotated, and when something came last | | `upstream#<registry>` | `gate` | until when
 * the upstream asked not to be asked |
 *
 * Jobs and the items below them, and digests that no tag points to any more, have `expiresAt`
 * (seconds since 1970), after which DynamoDB deletes them within some days: no code relies on when.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 *
 * No index: whatever is asked is a key, or a range of one partition, and can be read strongly
 * consistently.
 */
export interface Table {
  name: string;
  client: DynamoDBDocumentClient;
}

/**
 * Opens the table.
 *
 * @param config endpoint, region and credentials; by default from the environment, as for every AWS
 *   client.
 */
export function openTable(name: string, config: DynamoDBClientConfig = {}): Table {
  return {
    name,
    client: DynamoDBDocumentClient.from(
      new DynamoDBClient({ maxAttempts: 5, requestHandler: timeouts(2_000), ...config }),
      {
        marshallOptions: { removeUndefinedValues: true },
      },
    ),
  };
}

/** An update of one item, in DynamoDB's expressions. */
export interface ItemUpdate {
  update: string;
  condition?: string;
  /** What `#name` stands for. */
  names?: Record<string, string>;
  /** What `:value` stands for. */
  values: Record<string, unknown>;
}

/**
 * Runs a conditional write; a condition that does not hold is `undefined`, every other failure
 * rejects.
 */
export async function conditional<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

/**
 * Runs a conditional write that may succeed only once, and returns the item as it is then. The
 * answer to a write can get lost; the SDK repeats it, and its condition fails because of the first
 * time. So the write puts a value of its own into the item, by which its success is recognised
 * anyway.
 *
 * @param write asks for `ReturnValues: 'ALL_NEW'`, or none
 * @param own the attribute, and the value that no other write gives it
 * @returns undefined if the condition fails for another reason
 */
export async function writeOnce(
  table: Table,
  key: { pk: string; sk: string },
  write: Promise<{ Attributes?: Record<string, unknown> | undefined }>,
  own: { attribute: string; value: unknown },
): Promise<Record<string, unknown> | undefined> {
  const written = await conditional(write);
  if (written) return written.Attributes ?? {};
  const { Item } = await table.client.send(
    new GetCommand({ TableName: table.name, Key: key, ConsistentRead: true }),
  );
  return Item?.[own.attribute] === own.value ? Item : undefined;
}
