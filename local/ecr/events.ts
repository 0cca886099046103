import { randomUUID } from 'node:crypto';
import type { Digest } from '../../core/oci/digest.ts';
import type { ScannedImage, ScanOutcome } from './image-scans.ts';
import type { StoredManifest } from './repository.ts';

/** An event as EventBridge delivers it. */
export interface RegistryEvent {
  version: '0';
  id: string;
  'detail-type': string;
  source: 'aws.ecr';
  account: string;
  /** ISO 8601 without milliseconds. */
  time: string;
  region: string;
  resources: string[];
  detail: Record<string, unknown>;
}

/** Takes the registry's events, in the order in which things happened. */
export type EventSink = (event: RegistryEvent) => void;

/** The registry that tells. */
interface Registry {
  accountId: string;
  region: string;
  emit: EventSink;
}

/**
 * Tells that an image was pushed or deleted: one event for each tag.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
 */
export function tellImageAction(
  registry: Registry,
  action: 'PUSH' | 'DELETE',
  { repository, digest, tag }: { repository: string; digest: Digest; tag?: string | undefined },
): void {
  tell(registry, 'ECR Image Action', {
    result: 'SUCCESS',
    'repository-name': repository,
    'image-digest': digest,
    'action-type': action,
    ...(tag !== undefined && { 'image-tag': tag }),
  });
}

/** Tells that an image was archived or restored. These events name no tag. */
export function tellStorageClass(
  registry: Registry,
  repository: string,
  { digest, mediaType, artifactType }: StoredManifest,
  targetStorageClass: 'ARCHIVE' | 'STANDARD',
): void {
  tell(registry, 'ECR Image Action', {
    'action-type': 'UPDATE_STORAGE_CLASS',
    'target-storage-class': targetStorageClass,
    'image-digest': digest,
    'repository-name': repository,
    result: 'SUCCESS',
    'manifest-media-type': mediaType,
    ...(artifactType !== undefined && { 'artifact-media-type': artifactType }),
    ...(targetStorageClass === 'STANDARD' && { 'last-activated-at': new Date().toISOString() }),
  });
}

/**
 * Tells that a basic scan is over. The counts are those that are not 0.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
 */
export function tellImageScan(
  registry: Registry,
  { repository, digest }: ScannedImage,
  outcome: ScanOutcome,
): void {
  tell(registry, 'ECR Image Scan', {
    'scan-status': outcome.status,
    'repository-name': repository,
    'finding-severity-counts': outcome.status === 'COMPLETE' ? outcome.counts : {},
    'image-digest': digest,
    'image-tags': [],
  });
}

/**
 * Tells that a repository was deleted, as CloudTrail does in an account that has a trail. ECR
 * itself documents no event for it.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/logging-using-cloudtrail.html
 */
export function tellDeletedRepository(registry: Registry, repositoryName: string, force: boolean): void {
  tell(registry, 'AWS API Call via CloudTrail', {
    eventVersion: '1.08',
    eventTime: now(),
    eventSource: 'ecr.amazonaws.com',
    eventName: 'DeleteRepository',
    awsRegion: registry.region,
    requestParameters: { registryId: registry.accountId, repositoryName, force },
    eventType: 'AwsApiCall',
    recipientAccountId: registry.accountId,
  });
}

function tell(
  { accountId, region, emit }: Registry,
  detailType: string,
  detail: RegistryEvent['detail'],
): void {
  emit({
    version: '0',
    id: randomUUID(),
    'detail-type': detailType,
    source: 'aws.ecr',
    account: accountId,
    time: now(),
    region,
    resources: [],
    detail,
  });
}

function now(): string {
  return new Date().toISOString().replace(/\.\d+/, '');
}
