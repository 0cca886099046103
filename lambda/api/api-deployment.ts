import { RecentlyAsked } from '../../core/admission/recently.ts';
import { DynamoReconcileStore } from '../../core/aws/dynamodb/reconcile-store.ts';
import { DynamoPassStore } from '../../core/aws/dynamodb/retention/pass-store.ts';
import { DynamoDryRunStore } from '../../core/aws/dynamodb/rounds/dry-run-store.ts';
import { DynamoDayCounts } from '../../core/aws/dynamodb/savings/day-counts.ts';
import { DynamoUpstreamGate } from '../../core/aws/dynamodb/upstream-gate.ts';
import { EcrMirrorImages } from '../../core/aws/ecr/mirror-images.ts';
import { S3SnapshotStore } from '../../core/aws/s3/snapshot-store.ts';
import { Exporter } from '../../core/exports/exporter.ts';
import type { UpstreamGate } from '../../core/jobs/ports.ts';
import type { DayCounts } from '../../core/jobs/savings/counts.ts';
import type { DryRunStore } from '../../core/reconcile/dry-run/ports.ts';
import type { ReconcileStore } from '../../core/reconcile/ports.ts';
import type { MirrorImages } from '../../core/registry-events/ports.ts';
import type { PassStore } from '../../core/retention/pass.ts';
import { WebhookDeployment } from '../shared/webhook-deployment.ts';

/**
 * How long the answer of which snapshot is stored is used again, unless the environment says
 * otherwise: the snapshot itself is up to a minute old.
 */
const defaultFreshMs = 5_000;
/** A small part of the function's memory: a snapshot of 100,000 mappings takes a third of this. */
const cacheBytes = 32 * 1024 * 1024;

/** What the API function works with. */
export class ApiDeployment extends WebhookDeployment {
  /** The secret whose `root` the API's tokens derive from; empty if the API needs no token. */
  get apiSecret(): string {
    return this.environment.text('DRAYAGE_API_SECRET', { mayBeEmpty: true });
  }

  get exporter(): Exporter {
    return this.once('exporter', () => {
      const store = new S3SnapshotStore(this.environment.text('DRAYAGE_SNAPSHOT_BUCKET'));
      const freshMs = this.environment.optionalNumber('DRAYAGE_SNAPSHOT_FRESH_MS') ?? defaultFreshMs;
      return new Exporter(store, { freshMs, cacheBytes });
    });
  }

  /** Looks at images of the mirror registry. */
  get images(): MirrorImages {
    return this.once('images', () => new EcrMirrorImages({ region: this.region }));
  }

  /** What admission has asked for, in this instance of the function. */
  get recentlyAsked(): RecentlyAsked {
    return this.once('recentlyAsked', () => new RecentlyAsked());
  }

  get upstreamGate(): Pick<UpstreamGate, 'closedUntil' | 'outage'> {
    return this.once('upstreamGate', () => new DynamoUpstreamGate(this.table));
  }

  /** What was mirrored, by day. */
  get dayCounts(): Pick<DayCounts, 'read'> {
    return this.once('dayCounts', () => new DynamoDayCounts(this.table));
  }

  /** Where passes of retention are asked for, and say what they did. */
  get passes(): Pick<PassStore, 'save' | 'read' | 'reports'> {
    return this.once('passes', () => new DynamoPassStore(this.table));
  }

  /** Where comparisons are asked for. */
  get reconcileStore(): Pick<ReconcileStore, 'request' | 'requestSearch' | 'read' | 'summary'> {
    return this.once('reconcileStore', () => new DynamoReconcileStore(this.table));
  }

  /** Where dry runs are asked for, and what they found. */
  get dryRunStore(): Pick<DryRunStore, 'ask' | 'read' | 'isAsked'> {
    return this.once('dryRunStore', () => new DynamoDryRunStore(this.table));
  }
}
