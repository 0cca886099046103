import { S3SnapshotStore } from '../../core/aws/s3/snapshot-store.ts';
import { exportPrefix } from '../../core/exports/snapshot-store.ts';
import { type LocalBucket, startBucket } from '../../local/s3/server.ts';

const region = 'eu-west-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'local' };

/** A bucket of the embedded S3, and the store that the functions have on it. */
export interface TestBucket extends AsyncDisposable {
  bucket: LocalBucket;
  store: S3SnapshotStore;
}

/** @param directory keeps the objects; absent: in memory. */
export async function startTestBucket(directory?: string): Promise<TestBucket> {
  const bucket = await startBucket({ directory, secret: 'local', expiring: exportPrefix });
  const store = new S3SnapshotStore(bucket.name, { endpoint: bucket.endpoint, region, credentials });
  return {
    bucket,
    store,
    async [Symbol.asyncDispose]() {
      store.close();
      await bucket.stop();
    },
  };
}
