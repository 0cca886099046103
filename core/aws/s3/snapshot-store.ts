import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { NewObject, SnapshotStore, StoredObject } from '../../exports/snapshot-store.ts';
import { timeouts } from '../connection.ts';

/** For a snapshot of some megabytes over a slow network. */
const requestMs = 30_000;

/**
 * Answers to a request whose condition does not hold: another object, one that is being written at
 * the same time, or none. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
const conditionFailed: ReadonlySet<number> = new Set([404, 409, 412]);

/** The snapshot store on a bucket of S3. */
export class S3SnapshotStore implements SnapshotStore {
  readonly #client: S3Client;
  readonly #bucket: string;

  /** @param config endpoint, region and credentials; by default from the environment. */
  constructor(bucket: string, config: S3ClientConfig = {}) {
    this.#client = new S3Client({ requestHandler: timeouts(requestMs), ...config });
    this.#bucket = bucket;
  }

  async head(key: string): Promise<StoredObject | undefined> {
    const found = await unless(
      [404],
      this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key })),
    );
    if (found === undefined) return undefined;
    return { etag: found.ETag ?? '', bytes: found.ContentLength ?? 0, notes: found.Metadata ?? {} };
  }

  async read(key: string, etag: string): Promise<Uint8Array | undefined> {
    const found = await unless(
      conditionFailed,
      this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key, IfMatch: etag })),
    );
    return found?.Body?.transformToByteArray();
  }

  async put(
    key: string,
    { gzip, contentType, notes }: NewObject,
    replaces: string | undefined,
  ): Promise<string | undefined> {
    const put = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      Body: gzip,
      ContentType: contentType,
      ContentEncoding: 'gzip',
      Metadata: notes,
      ...(replaces === undefined ? { IfNoneMatch: '*' } : { IfMatch: replaces }),
    });
    const stored = await unless(conditionFailed, this.#client.send(put));
    return stored?.ETag;
  }

  async link(key: string, seconds: number): Promise<string> {
    const get = new GetObjectCommand({ Bucket: this.#bucket, Key: key });
    return await getSignedUrl(this.#client, get, { expiresIn: seconds });
  }

  close(): void {
    this.#client.destroy();
  }
}

/** The answer; undefined if it is one of these errors of S3. */
async function unless<T>(statuses: Iterable<number>, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
    if (status !== undefined && error instanceof S3ServiceException && error.name !== 'NoSuchBucket') {
      if ([...statuses].includes(status)) return undefined;
    }
    throw error;
  }
}
