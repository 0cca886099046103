import { knownRegistryCodes } from '../registry/errors.ts';

/** The CloudWatch namespace of all metrics below. */
export const metricNamespace = 'Drayage';

/** The functions that emit metrics of their own; each is a value of the dimension `service`. */
export type MetricEmitter =
  | 'webhook'
  | 'mirror'
  | 'layer'
  | 'schedule'
  | 'reconcile'
  | 'registry-events'
  | 'retention'
  | 'snapshot'
  | 'notify';

/** A metric that the functions emit. */
export interface MetricDefinition {
  readonly unit: 'Count' | 'Bytes' | 'Milliseconds' | 'Seconds';
  /**
   * The dimension by which it is split, in addition to the total of each function. The values of
   * each are bounded, since every combination is a metric that AWS charges for: `webhook` and
   * `upstream` are names of the configuration, `side` is upstream or mirror, and `code` is one of
   * {@link failureCodes}.
   */
  readonly by?: 'webhook' | 'upstream' | 'side' | 'code';
  /**
   * `sum`: an invocation emits the total of what it counted. `value`: each value is a measurement
   * of its own, so that percentiles and maxima mean something.
   */
  readonly kind: 'sum' | 'value';
  /** The functions that emit it. */
  readonly from: readonly MetricEmitter[];
  /** What it counts or measures. */
  readonly meaning: string;
}

const count = (from: MetricEmitter | readonly MetricEmitter[], meaning: string) =>
  ({ unit: 'Count', kind: 'sum', from: [from].flat(), meaning }) as const;
const bytes = (from: MetricEmitter, meaning: string) =>
  ({ unit: 'Bytes', kind: 'sum', from: [from], meaning }) as const;
const gauge = (from: MetricEmitter, meaning: string) =>
  ({ unit: 'Count', kind: 'value', from: [from], meaning }) as const;

/** The functions that talk to registries. */
const talkers = ['mirror', 'layer', 'reconcile'] as const;

/**
 * All metrics of the functions. All have the dimension `service`, which is the name of the
 * function. docs/operations.md has a line about each.
 */
const definitions = {
  WebhookAccepted: {
    ...count('webhook', 'pushes, signatures and deletions that became jobs'),
    by: 'webhook',
  },
  WebhookIgnored: { ...count('webhook', 'events of authentic deliveries that no rule names'), by: 'webhook' },
  WebhookRefused: {
    ...count('webhook', 'deliveries that were refused; `unknown` is a name or a path token that is not ours'),
    by: 'webhook',
  },
  WebhookAddressNotAllowed: count('webhook', 'deliveries refused because their address is not in `allow`'),
  WebhookMalformed: count('webhook', 'ignored events that could not be read'),
  WebhookUnavailable: count('webhook', 'deliveries answered with 503: not everything could be queued'),

  JobsCommitted: count('mirror', 'jobs that published a mapping'),
  JobsSatisfied: count('mirror', 'jobs that had nothing to copy'),
  JobsSuperseded: count('mirror', 'jobs that a newer event made unnecessary'),
  JobsFailed: { ...count('mirror', 'jobs that failed for good'), by: 'code' },
  JobsWaiting: count('mirror', 'attempts after which a job waits for its next one'),
  JobsCopying: count('mirror', 'jobs that handed out large layers'),
  JobsQueued: count('mirror', 'jobs whose invocation ran out of time, and that were queued again'),
  JobsCrashed: count('mirror', 'messages that go back to the queue because of an unexpected error'),
  PushLag: {
    unit: 'Milliseconds',
    kind: 'value',
    from: ['mirror'],
    meaning: 'from the webhook to the published mapping, one value for each image that a push brought',
  },
  BytesCopied: bytes('mirror', 'bytes that were copied from upstreams, large layers included'),
  BytesMounted: bytes('mirror', 'bytes that were mounted from another repository of the mirror'),
  BytesPresent: bytes('mirror', 'bytes that the mirror repository already held'),
  Requests: { ...count(talkers, 'HTTP requests to registries, and calls of the ECR API'), by: 'side' },
  Throttles: { ...count(talkers, 'those that were answered with “too many requests”'), by: 'side' },
  EventsLost: count(
    ['mirror', 'layer', 'schedule', 'reconcile', 'registry-events', 'retention'],
    'events that EventBridge did not take',
  ),

  LayersCarried: count('layer', 'large layers that are in the mirror'),
  LayersHeld: count('layer', 'messages about a layer that another invocation copies'),
  LayersGone: count('layer', 'messages about a layer whose job is finished'),
  LayersQueued: count('layer', 'layers that continue in another invocation'),
  LayersWaiting: count('layer', 'layers that failed for now: their job waits'),
  LayersFailed: { ...count('layer', 'layers that failed for good, and their jobs with them'), by: 'code' },
  LayersCrashed: count('layer', 'messages that go back to the queue because of an unexpected error'),

  JobsResent: count('schedule', 'parked jobs whose time had come'),
  JobsDead: count('schedule', 'jobs that failed because they crashed their function again and again'),
  OpenJobsQueued: gauge('schedule', 'unfinished jobs that are in the queue, or being worked on'),
  OpenJobsWaiting: gauge('schedule', 'unfinished jobs that wait for their next attempt'),
  OpenJobsCopying: gauge('schedule', 'unfinished jobs whose large layers are being copied'),
  OldestWaitingJob: {
    unit: 'Seconds',
    kind: 'value',
    from: ['schedule'],
    meaning: 'the age of the oldest job that was tried and waits; 0 if there is none',
  },
  UpstreamClosed: {
    ...gauge('schedule', '1 while an upstream’s rate limit is reached or it does not answer, otherwise 0'),
    by: 'upstream',
  },

  RepositoriesCompared: count('reconcile', 'repositories that were compared with the mirror'),
  ReconcileJobs: count('reconcile', 'differences that became jobs'),
  ReconcileFailures: count('reconcile', 'comparisons that failed'),

  MappingsRemoved: count('registry-events', 'mappings of images that the mirror lost'),
  RegistryEventsFailed: count('registry-events', 'batches of ECR’s events that are tried again'),

  ImagesDeleted: count('retention', 'images that retention deleted'),
  BytesDeleted: bytes('retention', 'their bytes'),
  ImagesNotDeleted: count('retention', 'images that could not be deleted'),

  SnapshotsStored: count('snapshot', 'snapshots of the mapping that were stored'),
  SnapshotMappings: { ...count('snapshot', 'mappings in the snapshot'), kind: 'value' },
  SnapshotBytes: { ...bytes('snapshot', 'its size'), kind: 'value' },

  NotificationsDelivered: count('notify', 'events that an endpoint took'),
  NotificationsFailed: count('notify', 'attempts that failed'),
  NotificationsRefused: count('notify', 'events that an endpoint refuses for good (410)'),
} as const satisfies Record<string, MetricDefinition>;

/** The name of a metric. */
export type MetricName = keyof typeof definitions;

/** The metrics by their names. */
export const metricDefinitions: Readonly<Record<MetricName, MetricDefinition>> = definitions;

/** The value of `webhook` for deliveries that belong to no webhook of the configuration. */
export const unknownWebhook = 'unknown';

/** The value of `code` for every code that is not in {@link failureCodes}. */
export const otherCode = 'other';

/** Codes of failures that are values of the dimension `code`. */
export const failureCodes: ReadonlySet<string> = new Set([
  ...knownRegistryCodes,
  'MANIFEST_UNSUPPORTED',
  'REFERRERS_PENDING',
  'UPSTREAM_CLOSED',
  'UPSTREAM_DOWN',
  'AccessDeniedException',
  'LimitExceededException',
  'KmsException',
  'RepositoryNotFoundException',
  'crashed',
  'gone',
  'not_a_digest',
  'not_configured',
  'not_mirrored',
  'not_verified',
  'signature_invalid',
  'signature_missing',
  'scan_blocked',
  'scan_unavailable',
  'too_large',
  'too_slow',
  'platform_missing',
  'label_mismatch',
  'annotation_mismatch',
]);

/** A code as a value of the dimension: registries may answer with any code of their own. */
export function boundedCode(code: string | undefined): string {
  return code !== undefined && failureCodes.has(code) ? code : otherCode;
}
