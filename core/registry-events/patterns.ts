/**
 * An EventBridge pattern, as far as ours go: each field's value must be one of a list, or begin
 * with a prefix.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export interface EventPattern {
  source: string[];
  'detail-type': string[];
  account: string[];
  region: string[];
  detail: DetailPattern;
}

/** What an event's `detail` must hold. */
export interface DetailPattern {
  [field: string]: (string | { prefix: string })[] | DetailPattern;
}

/** Where the mirror's own registry is. */
export interface MirrorPlace {
  account: string;
  region: string;
  /** The prefix of the mirror's repositories, without the slash. */
  prefix: string;
}

/**
 * The events that say that the mirror may have lost an image, by name:
 *
 * - `images`: an image or a tag was deleted, or an image was archived or restored. ECR sends them
 *   itself, best effort: https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
 * - `lifecycle`: what a lifecycle policy did. ECR documents only this way, which needs a trail in
 *   CloudTrail: https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
 * - `repositories`: a whole repository was deleted; through CloudTrail as well.
 *
 * https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ecr.html
 */
export function lossPatterns({ account, region, prefix }: MirrorPlace): Record<LossEvent, EventPattern> {
  const mine = { source: ['aws.ecr'], account: [account], region: [region] };
  const mirrors = [{ prefix: `${prefix}/` }];
  return {
    images: {
      ...mine,
      'detail-type': ['ECR Image Action'],
      detail: {
        'action-type': ['DELETE', 'UPDATE_STORAGE_CLASS'],
        result: ['SUCCESS'],
        'repository-name': mirrors,
      },
    },
    lifecycle: {
      ...mine,
      'detail-type': ['AWS Service Event via CloudTrail'],
      detail: {
        eventName: ['PolicyExecutionEvent'],
        serviceEventDetails: { repositoryName: mirrors },
      },
    },
    repositories: {
      ...mine,
      'detail-type': ['AWS API Call via CloudTrail'],
      detail: { eventName: ['DeleteRepository'], requestParameters: { repositoryName: mirrors } },
    },
  };
}

/** The kinds of events; their names are those of the rules. */
export type LossEvent = 'images' | 'lifecycle' | 'repositories';

/** The `detail-type` of the event that a basic scan is over. */
export const scanEventType = 'ECR Image Scan';

/**
 * The event that a scan of an image in the mirror is over. Enhanced scanning sends others: its
 * scans are only looked at.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
 */
export function scanPattern({ account, region, prefix }: MirrorPlace): EventPattern {
  return {
    source: ['aws.ecr'],
    account: [account],
    region: [region],
    'detail-type': [scanEventType],
    detail: { 'repository-name': [{ prefix: `${prefix}/` }] },
  };
}
