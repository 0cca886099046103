import { DynamoLayerLeases } from '../../core/aws/dynamodb/layer-leases.ts';
import { type MigrateResult, migrate } from '../../core/aws/dynamodb/schema/migrate.ts';
import { migrations } from '../../core/aws/dynamodb/schema/migrations.ts';
import { schemaVersion } from '../../core/aws/dynamodb/schema/state.ts';
import { DynamoUpstreamGate } from '../../core/aws/dynamodb/upstream-gate.ts';
import { SqsDeadLetterQueue } from '../../core/aws/sqs/dead-letter-queue.ts';
import type { LayerLeases, UpstreamGate } from '../../core/jobs/ports.ts';
import type { DeadLetterQueue } from '../../core/jobs/recovery/dead-letters.ts';
import type { Notifier } from '../../core/notify/ports.ts';
import { Deployment } from '../shared/deployment.ts';
import { openNotifier } from '../shared/notifier.ts';

/** What the schedule function works with. */
export class ScheduleDeployment extends Deployment {
  get layerLeases(): LayerLeases {
    return this.once('layerLeases', () => new DynamoLayerLeases(this.table));
  }

  get upstreamGate(): Pick<UpstreamGate, 'closedUntil'> {
    // It is asked once a minute: what was read before is too old.
    return this.once('upstreamGate', () => new DynamoUpstreamGate(this.table, 0));
  }

  get notifier(): Notifier {
    return this.once('notifier', openNotifier);
  }

  /**
   * Takes the table's items to the version that this code knows, as far as fits into this call. It
   * asks the table only at a cold start and while there is something to do.
   */
  async migrateTable(endsAt: number): Promise<MigrateResult> {
    const { version, next, migratingSince } = await this.schema.state();
    if (version === schemaVersion && next === undefined && migratingSince === undefined)
      return { kind: 'current' };
    return await migrate(this.table, { version: schemaVersion, migrations, now: () => new Date(), endsAt });
  }

  /** The dead-letter queue of the mirror queue. */
  get deadJobs(): DeadLetterQueue {
    return this.once(
      'deadJobs',
      () => new SqsDeadLetterQueue(this.environment.text('DRAYAGE_DEAD_LETTER_QUEUE_URL')),
    );
  }

  /** The dead-letter queue of the layer queue. */
  get deadLayers(): DeadLetterQueue {
    return this.once(
      'deadLayers',
      () => new SqsDeadLetterQueue(this.environment.text('DRAYAGE_LAYER_DEAD_LETTER_QUEUE_URL')),
    );
  }
}
