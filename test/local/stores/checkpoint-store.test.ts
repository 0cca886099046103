import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoCheckpointStore } from '../../../core/aws/dynamodb/checkpoint-store.ts';
import type { UploadCheckpoint } from '../../../core/copy/blob/checkpoints.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { type LocalStores, startStores } from '../../support/local-stores.ts';

describe('the checkpoint store on DynamoDB', () => {
  let stores: LocalStores;
  let checkpoints: DynamoCheckpointStore;
  let uploads = 0;
  beforeAll(async () => {
    stores = await startStores();
    checkpoints = new DynamoCheckpointStore(stores.table, 'eu-west-1');
  });
  afterAll(() => stores.close());
  const repository = 'mirror/docker.io/library/nginx';
  const freshDigest = () => digestOf(Buffer.from(`upload ${++uploads}`));
  const at = (offset: number, uploadId = 'upload-1'): UploadCheckpoint => ({
    uploadId,
    partSize: 10_485_760,
    offset,
    hashState: Buffer.from(`state ${uploadId} ${offset}`).toString('base64'),
  });

  it('returns the last checkpoint as it was written', async () => {
    const digest = freshDigest();
    expect(await checkpoints.read(repository, digest)).toBeUndefined();
    expect(await checkpoints.write(repository, digest, at(0), undefined)).toBe(true);
    expect(await checkpoints.read(repository, digest)).toEqual(at(0));
    expect(await checkpoints.write(repository, digest, at(10), at(0))).toBe(true);
    expect(await checkpoints.read(repository, digest)).toEqual(at(10));
  });

  it('lets one of two continue that read the same checkpoint', async () => {
    const digest = freshDigest();
    await checkpoints.write(repository, digest, at(10), undefined);
    const both = await Promise.all([
      checkpoints.write(repository, digest, at(20), at(10)),
      checkpoints.write(repository, digest, at(21), at(10)),
    ]);
    expect(both.sort()).toEqual([false, true]);
    const kept = await checkpoints.read(repository, digest);
    expect(await checkpoints.write(repository, digest, at(30), at(10)), 'nor one that comes late').toBe(
      false,
    );
    expect(await checkpoints.read(repository, digest)).toEqual(kept);
  });

  it('lets one of two begin', async () => {
    const digest = freshDigest();
    const both = await Promise.all(
      ['a', 'b'].map((id) => checkpoints.write(repository, digest, at(0, id), undefined)),
    );
    expect(both.sort()).toEqual([false, true]);
  });

  it('accepts a new upload in place of one that is gone, once', async () => {
    const digest = freshDigest();
    await checkpoints.write(repository, digest, at(50, 'gone'), undefined);
    expect(await checkpoints.write(repository, digest, at(0, 'new'), undefined)).toBe(false);
    expect(await checkpoints.write(repository, digest, at(0, 'new'), at(50, 'gone'))).toBe(true);
    expect(await checkpoints.write(repository, digest, at(0, 'late'), at(50, 'gone'))).toBe(false);
    // Another upload that happens to have come as far is still another upload.
    expect(await checkpoints.write(repository, digest, at(10, 'new'), at(0, 'gone'))).toBe(false);
    expect(await checkpoints.read(repository, digest)).toEqual(at(0, 'new'));
  });

  it('forgets a checkpoint only while it is the latest', async () => {
    const digest = freshDigest();
    await checkpoints.write(repository, digest, at(10), undefined);
    await checkpoints.write(repository, digest, at(20), at(10));
    await checkpoints.remove(repository, digest, at(10));
    expect(await checkpoints.read(repository, digest)).toEqual(at(20));
    await checkpoints.remove(repository, digest, at(20));
    expect(await checkpoints.read(repository, digest)).toBeUndefined();
    await checkpoints.remove(repository, digest, at(20));
    expect(
      await checkpoints.write(repository, digest, at(30), at(20)),
      'what is forgotten stays forgotten',
    ).toBe(false);
  });

  it('keeps repositories, digests and regions apart', async () => {
    const digest = freshDigest();
    await checkpoints.write(repository, digest, at(10), undefined);
    expect(await checkpoints.read(`${repository}/other`, digest)).toBeUndefined();
    expect(await checkpoints.read(repository, freshDigest())).toBeUndefined();
    const elsewhere = new DynamoCheckpointStore(stores.table, 'us-east-1');
    expect(await elsewhere.read(repository, digest)).toBeUndefined();
  });
});
