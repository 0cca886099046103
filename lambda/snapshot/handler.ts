import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { ScheduledEvent } from 'aws-lambda';
import { S3SnapshotStore } from '../../core/aws/s3/snapshot-store.ts';
import { type SnapshotOutcome, SnapshotWriter } from '../../core/exports/build-snapshot.ts';
import { meter, publishMetrics } from '../shared/metrics.ts';
import { TableDeployment } from '../shared/table-deployment.ts';
import { logger } from '../shared/telemetry.ts';

/** What the snapshot function works with. */
export class SnapshotDeployment extends TableDeployment {
  get writer(): SnapshotWriter {
    return this.once('writer', () => {
      const snapshots = new S3SnapshotStore(this.environment.text('DRAYAGE_SNAPSHOT_BUCKET'));
      return new SnapshotWriter({ mappings: this.mappings, snapshots });
    });
  }
}

/** Every minute: stores the whole mapping as one object, if it may have changed. */
async function run(deployment: SnapshotDeployment): Promise<SnapshotOutcome> {
  const outcome = await deployment.writer.update();
  if (outcome.kind === 'overtaken')
    logger.warn('another snapshot was stored meanwhile: the next call looks again');
  meter.record('SnapshotsStored', outcome.kind === 'stored' ? 1 : 0);
  if (outcome.kind !== 'stored') return outcome;
  const { count, bytes, textBytes } = outcome;
  logger.info('a snapshot was stored', { mappings: count, bytes, textBytes });
  meter.record('SnapshotMappings', count);
  meter.record('SnapshotBytes', bytes);
  return outcome;
}

/** Makes the handler of the schedule's calls. */
export function createHandler(deployment: SnapshotDeployment) {
  return middy((_event: Pick<ScheduledEvent, 'time'>) => run(deployment))
    .use(injectLambdaContext(logger))
    .use(publishMetrics());
}

export const handler = createHandler(new SnapshotDeployment(process.env));
