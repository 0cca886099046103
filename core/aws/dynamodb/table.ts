import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  type DynamoDBClientConfig,
} from '@aws-sdk/client-dynamodb';
import {
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { timeouts } from '../connection.ts';

/**
 * The one table. Its items, by partition key `pk` and sort key `sk` (both strings):
 *
 * - `repo#<registry>/<repository>`, `ref#<tag>`: counters, lease and mapping of a tag
 * - `repo#<registry>/<repository>`, `digest#<digest>`: the same for a digest
 * - `repo#<registry>/<repository>`, `ref#<digest>`: marks, for lists, that the digest was published
 *   in its own right
 * - `repo#<registry>/<repository>`, `unsigned#<digest>#<tag or digest>`: that the image is not
 *   mirrored for lack of a signature, and the job that says so
 * - `history#<registry>/<repository>:<tag>`, `<revision>`: what the tag was mapped to until then
 * - `repos`, `<registry>/<repository>`: marks, for lists, that the repository has mappings
 * - `mirrors`, `<mirror repository>`: which upstream repository's images it holds
 * - `snapshot`, `changes`: counts the times that mappings may have changed
 * - `registries`, `<region>`: the address of the region's mirror registry
 * - `jobs#<month>#<shard>`, `<job id>`: a job
 * - `parked#<shard>`, `<notBefore>#<job id>`: when a waiting job is due, and its message in case
 *   it has no record
 * - `layer#<region>#<digest>`, `holders`: the repositories of the region's mirror that hold the
 *   blob, at most eight
 * - `upload#<region>#<mirror repository>`, `<digest>`: how far the upload of a blob in parts has
 *   come
 * - `carried#<mirror repository>`, `<digest>`: which worker carries the layer there, or that it is
 *   queued, and until when
 * - `seen#<registry>/<repository>`, `<tag or digest>`: which digest was seen there last that is not
 *   mirrored yet, and since when, for rules that require an age
 * - `scans#<mirror repository>`, `<digest>`: the jobs that wait for the image's scan
 * - `webhooks`, `<name>`: how often the webhook's secret was rotated, and when the last event came
 * - `upstream#<registry>`, `gate`: until when the upstream's rate limit closes it, and
 *   since when it is down
 * - `upstream#<registry>`, `pulls`: how many manifests its rate limit still lets be read
 * - `reconcile`, `lock`: who compares upstreams with the mirror, and until when
 * - `reconcile#<registry>`, `search`: when the repositories of an upstream were searched for
 * - `reconcile#<registry>`, `repository#<repository>`: the repository's latest comparison
 * - `reconcile#<registry>`, `due#<time>#<repository>`: when the next one is due
 * - `reconcile#<registry>`, `failing#<repository>`: why the latest one failed, while it does
 * - `reconcile`, `asked#<registry>/<repository>`: that a dry run is asked for; without a
 *   repository, of everything
 * - `reconcile#<registry>`, `dry-run#<repository>`: what it has found
 * - `retention`, `lock`: who deletes images that nobody needs, and until when
 * - `retention`, `next`: when the next pass begins by itself
 * - `retention`, `pass#<id>`: how far a pass has come
 * - `retention#<id>`, `<registry>/<repository>`: what the pass did there
 * - `savings`, `<day>#<registry>`: counts what was mirrored from an upstream on a day
 * - `schema`, `version`: which version the items have (`schema/`); absent: 1
 *
 * Jobs and the items below them, history, counters of a day, images that wait for a signature, and
 * digests that no tag points to any more have `expiresAt` (seconds since 1970). DynamoDB deletes
 * them within a few days after that; no code relies on the exact time.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 *
 * No index: every query is a key or a range of one partition, and can be read with strong
 * consistency.
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

/** Reads one item with strong consistency. */
export async function readItem(
  { client, name: TableName }: Table,
  key: { pk: string; sk: string },
): Promise<Record<string, unknown> | undefined> {
  const { Item } = await client.send(new GetCommand({ TableName, Key: key, ConsistentRead: true }));
  return Item;
}

/**
 * Queries one partition with strong consistency, page by page: the next page is only read if it is
 * asked for.
 */
export async function* queryPages(
  { client, name: TableName }: Table,
  query: Omit<QueryCommandInput, 'TableName' | 'ConsistentRead' | 'ExclusiveStartKey'>,
): AsyncGenerator<Record<string, unknown>[]> {
  let next: Record<string, unknown> | undefined;
  do {
    const page = await client.send(
      new QueryCommand({ ...query, TableName, ConsistentRead: true, ExclusiveStartKey: next }),
    );
    yield page.Items ?? [];
    next = page.LastEvaluatedKey;
  } while (next);
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

/** Updates an item, and returns all of it as it is then. */
export async function updateItem(
  { client, name: TableName }: Table,
  key: { pk: string; sk: string },
  { update, condition, names, values }: ItemUpdate,
): Promise<{ Attributes?: Record<string, unknown> | undefined }> {
  return await client.send(
    new UpdateCommand({
      TableName,
      Key: key,
      UpdateExpression: update === '' ? undefined : update,
      ConditionExpression: condition,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: Object.keys(values).length > 0 ? values : undefined,
      ReturnValues: 'ALL_NEW',
    }),
  );
}

/**
 * Runs a conditional write. Resolves to `undefined` if the condition does not hold; any other
 * failure rejects.
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
 * Runs a conditional write that may succeed only once, and returns the resulting item. The answer
 * to a write can get lost; the SDK then retries it, and its condition fails because of the first
 * attempt. So the write puts a unique value into the item, which proves that it succeeded.
 *
 * @param write requests `ReturnValues: 'ALL_NEW'`, or none
 * @param own the attribute, and a value that no other write gives it
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
  const item = await readItem(table, key);
  return item?.[own.attribute] === own.value ? item : undefined;
}
