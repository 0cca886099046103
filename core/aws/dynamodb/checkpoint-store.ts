import { randomUUID } from 'node:crypto';
import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { CheckpointStore, UploadCheckpoint } from '../../copy/blob/checkpoints.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ItemKey } from './batch-get.ts';
import { conditional, readItem, type Table, writeOnce } from './table.ts';

/**
 * An upload that was not continued for this long is forgotten, in seconds: three days. A job gives
 * up long before that.
 */
const retentionSeconds = 3 * 24 * 3600;

/** The checkpoints of the uploads into one region's registry, on DynamoDB. */
export class DynamoCheckpointStore implements CheckpointStore {
  readonly #table: Table;
  readonly #region: string;

  /**
   * @param region of the mirror registry: the same repository in another region has its own
   *   uploads.
   */
  constructor(table: Table, region: string) {
    this.#table = table;
    this.#region = region;
  }

  async read(repository: string, digest: Digest): Promise<UploadCheckpoint | undefined> {
    const item = await readItem(this.#table, this.#key(repository, digest));
    if (!item) return undefined;
    const { uploadId, partSize, offset, hashState } = item as unknown as UploadCheckpoint & ItemKey;
    return { uploadId, partSize, offset, hashState };
  }

  async write(
    repository: string,
    digest: Digest,
    next: UploadCheckpoint,
    last: UploadCheckpoint | undefined,
  ): Promise<boolean> {
    const { uploadId, partSize, offset, hashState } = next;
    const expiresAt = Math.floor(Date.now() / 1000) + retentionSeconds;
    const key = this.#key(repository, digest);
    const written = randomUUID();
    const item = await writeOnce(
      this.#table,
      key,
      this.#table.client.send(
        new PutCommand({
          TableName: this.#table.name,
          Item: { ...key, uploadId, partSize, offset, hashState, expiresAt, written },
          ...unlessChanged(last),
        }),
      ),
      { attribute: 'written', value: written },
    );
    return item !== undefined;
  }

  async remove(repository: string, digest: Digest, last: UploadCheckpoint): Promise<void> {
    await conditional(
      this.#table.client.send(
        new DeleteCommand({
          TableName: this.#table.name,
          Key: this.#key(repository, digest),
          ...unlessChanged(last),
        }),
      ),
    );
  }

  #key(repository: string, digest: Digest): ItemKey {
    return { pk: `upload#${this.#region}#${repository}`, sk: digest };
  }
}

/**
 * The condition that a checkpoint is still the one that was read: it is identified by upload and
 * offset.
 */
function unlessChanged(last: UploadCheckpoint | undefined) {
  if (last === undefined) return { ConditionExpression: 'attribute_not_exists(pk)' };
  return {
    ConditionExpression: 'uploadId = :upload AND #offset = :offset',
    ExpressionAttributeNames: { '#offset': 'offset' },
    ExpressionAttributeValues: { ':upload': last.uploadId, ':offset': last.offset },
  };
}
