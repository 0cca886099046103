import type { MirrorPlace } from '../../../core/registry-events/patterns.ts';

/** The mirror of the examples. */
export const place: MirrorPlace = { account: '123456789012', region: 'us-west-2', prefix: 'mirror' };
export const repository = 'mirror/docker.io/library/nginx';
export const digest = `sha256:${'7f5b2640'.repeat(8)}` as const;

/** An event as in the samples of https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html */
export function event(detail: Record<string, unknown>, more: Record<string, unknown> = {}) {
  return {
    version: '0',
    id: 'dd3b46cb-2c74-f49e-393b-28286b67279d',
    'detail-type': 'ECR Image Action',
    source: 'aws.ecr',
    account: '123456789012',
    time: '2019-11-16T02:01:05Z',
    region: 'us-west-2',
    resources: [],
    detail,
    ...more,
  };
}

/** A deletion: of an image, or of one of its tags. */
export const deletion = (more: Record<string, unknown> = {}) =>
  event({
    result: 'SUCCESS',
    'repository-name': repository,
    'image-digest': digest,
    'action-type': 'DELETE',
    'image-tag': 'latest',
    ...more,
  });

/** An image is archived, or restored. */
export const storage = (targetStorageClass: string, more: Record<string, unknown> = {}) =>
  event({
    'action-type': 'UPDATE_STORAGE_CLASS',
    'target-storage-class': targetStorageClass,
    'image-digest': digest,
    'repository-name': repository,
    result: 'SUCCESS',
    'manifest-media-type': 'application/vnd.oci.image.manifest.v1+json',
    'artifact-media-type': 'application/vnd.oci.image.config.v1+json',
    ...more,
  });

/** As in https://docs.aws.amazon.com/AmazonECR/latest/userguide/logging-using-cloudtrail.html */
export const lifecycle = (images: unknown, more: Record<string, unknown> = {}) =>
  event(
    {
      eventVersion: '1.05',
      eventSource: 'ecr.amazonaws.com',
      eventName: 'PolicyExecutionEvent',
      awsRegion: 'us-west-2',
      eventType: 'AwsServiceEvent',
      serviceEventDetails: {
        repositoryName: repository,
        lifecycleEventPolicy: { policyVersion: 1 },
        lifecycleEventImageActions: images,
      },
      ...more,
    },
    { 'detail-type': 'AWS Service Event via CloudTrail' },
  );

/** A repository is deleted. */
export const repositoryDeletion = (more: Record<string, unknown> = {}) =>
  event(
    {
      eventSource: 'ecr.amazonaws.com',
      eventName: 'DeleteRepository',
      requestParameters: { registryId: '123456789012', repositoryName: repository, force: true },
      ...more,
    },
    { 'detail-type': 'AWS API Call via CloudTrail' },
  );
