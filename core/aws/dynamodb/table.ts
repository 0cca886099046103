import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  type DynamoDBClientConfig,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { timeouts } from '../connection.ts';

/**
 * The one table. Its items, by partition key `pk` and sort key `sk` (both strings):
 *
 * | pk | sk | what |
 * | --- | --- | --- |
 * | `repo#<registry>/<repository>` | `ref#<tag or digest>` | counters, lease and mapping of a tag; mapping of a digest |
 * | `repos` | `<registry>/<repository>` | that the repository has mappings, for listing |
 * | `registries` | `<region>` | where the region's mirror registry is reached |
 * | `jobs#<month>#<shard>` | `<job id>` | a job |
 * | `parked` | `<notBefore>#<job id>` | when a waiting job is due |
 * | `layer#<region>#<digest>` | `holders` | the repositories of the region's mirror that hold the blob, eight at most |
 * | `upload#<region>#<mirror repository>` | `<digest>` | how far the upload of a blob in parts is |
 * | `carried#<mirror repository>` | `<digest>` | who carries the layer there, or that it is queued, and until when |
 * | `webhooks` | `<name>` | how often the webhook's secret was rotated, and when something came last |
 * | `upstream#<registry>` | `gate` | until when the upstream asked not to be asked |
 *
 * Jobs, and the items below them, have `expiresAt` (seconds since 1970), after which DynamoDB deletes them within some days:
 * no code relies on when. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 *
 * No index: whatever is asked is a key, or a range of one partition, and can be read strongly consistently.
 */
export interface Table {
  name: string;
  client: DynamoDBDocumentClient;
}

/**
 * Opens the table.
 *
 * @param config endpoint, region and credentials; by default from the environment, as for every AWS client.
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

/** Runs a conditional write; a condition that does not hold is `undefined`, every other failure rejects. */
export async function conditional<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}
