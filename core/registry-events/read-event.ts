import * as z from 'zod';
import { isDigest } from '../oci/digest.ts';
import { isTag } from '../oci/reference.ts';
import type { MirrorPlace } from './patterns.ts';
import type { MappedImage } from './ports.ts';

/** What an event says: where to look. It is only a hint, and may be late, doubled or wrong. */
export interface LossHint {
  /** The mirror repository. */
  repository: string;
  /** The images to look at; `all`: every image of the repository. */
  images: HintedImage[] | 'all';
}

/** An image as an event names it: by digest, by tag or by both. */
export type HintedImage = MappedImage | { digest?: undefined; tag: string };

/** An event that asks for nothing; `reason` is for the log. */
export interface IgnoredEvent {
  ignored: string;
}

const digest = z.custom<MappedImage['digest']>(isDigest, 'it is not a digest');
const tag = z.string().refine(isTag, 'it is not a tag');
const envelope = z.object({
  source: z.string(),
  'detail-type': z.string(),
  account: z.string(),
  region: z.string(),
});

/**
 * `image-tag` is absent, null or empty for images without a tag; events about archived images never
 * have one. An event names at most one tag, whatever other tags its image has.
 */
const imageAction = z.object({
  detail: z.object({
    'action-type': z.string(),
    result: z.string(),
    'target-storage-class': z.string().optional(),
    'repository-name': z.string(),
    'image-digest': digest.nullish(),
    'image-tag': z.union([z.literal(''), tag]).nullish(),
  }),
});

/**
 * A lifecycle policy's run, up to ten images per event.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/logging-using-cloudtrail.html
 */
const lifecycleRun = z.object({
  detail: z.object({
    eventName: z.string(),
    serviceEventDetails: z.object({
      repositoryName: z.string(),
      lifecycleEventImageActions: z.array(
        z.object({ lifecycleEventImage: z.object({ digest, tagList: z.array(tag).nullish() }) }),
      ),
    }),
  }),
});

const apiCall = z.object({
  detail: z.object({
    eventName: z.string(),
    errorCode: z.string().optional(),
    requestParameters: z.object({ repositoryName: z.string() }),
  }),
});

/**
 * Reads an event about the mirror's registry. Events of other registries, of repositories that are
 * not mirrors, and of other kinds are ignored; so is what makes no sense, since nothing would
 * change if it came again.
 *
 * @param event the content of a message: anything
 */
export function readLossEvent(event: unknown, place: MirrorPlace): LossHint | IgnoredEvent {
  const parsed = envelope.safeParse(event);
  if (!parsed.success) return malformed(parsed.error);
  const { source, 'detail-type': type, account, region } = parsed.data;
  if (source !== 'aws.ecr') return { ignored: `the source is ${excerpt(source)}` };
  if (account !== place.account || region !== place.region)
    return { ignored: `it is from the registry of ${excerpt(account)} in ${excerpt(region)}` };
  const hint = readerOf(type)(event);
  if ('ignored' in hint || hint.repository.startsWith(`${place.prefix}/`)) return hint;
  return { ignored: `${excerpt(hint.repository)} is not a mirror repository` };
}

function readerOf(type: string): (event: unknown) => LossHint | IgnoredEvent {
  switch (type) {
    case 'ECR Image Action':
      return readImageAction;
    case 'AWS Service Event via CloudTrail':
      return readLifecycleRun;
    case 'AWS API Call via CloudTrail':
      return readApiCall;
    default:
      return () => ({ ignored: `the detail-type is ${excerpt(type)}` });
  }
}

function readImageAction(event: unknown): LossHint | IgnoredEvent {
  const parsed = imageAction.safeParse(event);
  if (!parsed.success) return malformed(parsed.error);
  const { detail } = parsed.data;
  const { 'action-type': action, result, 'target-storage-class': storage } = detail;
  if (result !== 'SUCCESS') return { ignored: `the result is ${excerpt(result)}` };
  const isLoss = action === 'DELETE' || (action === 'UPDATE_STORAGE_CLASS' && storage === 'ARCHIVE');
  if (!isLoss) return { ignored: `the action-type is ${excerpt(action)}, which deletes nothing` };
  const [named, tagged] = [detail['image-digest'] ?? undefined, detail['image-tag'] || undefined];
  const image = hinted(named, tagged);
  return image
    ? { repository: detail['repository-name'], images: [image] }
    : { ignored: 'it names neither a digest nor a tag' };
}

function hinted(
  named: MappedImage['digest'] | undefined,
  tagged: string | undefined,
): HintedImage | undefined {
  if (named === undefined) return tagged === undefined ? undefined : { tag: tagged };
  return tagged === undefined ? { digest: named } : { digest: named, tag: tagged };
}

function readLifecycleRun(event: unknown): LossHint | IgnoredEvent {
  const parsed = lifecycleRun.safeParse(event);
  if (!parsed.success) return malformed(parsed.error);
  const { eventName, serviceEventDetails } = parsed.data.detail;
  if (eventName !== 'PolicyExecutionEvent') return { ignored: `the eventName is ${excerpt(eventName)}` };
  const images = serviceEventDetails.lifecycleEventImageActions.flatMap(({ lifecycleEventImage: image }) => [
    { digest: image.digest },
    ...(image.tagList ?? []).map((name) => ({ digest: image.digest, tag: name })),
  ]);
  return images.length === 0
    ? { ignored: 'the lifecycle policy did nothing' }
    : { repository: serviceEventDetails.repositoryName, images };
}

function readApiCall(event: unknown): LossHint | IgnoredEvent {
  const parsed = apiCall.safeParse(event);
  if (!parsed.success) return malformed(parsed.error);
  const { eventName, errorCode, requestParameters } = parsed.data.detail;
  if (eventName !== 'DeleteRepository') return { ignored: `the eventName is ${excerpt(eventName)}` };
  if (errorCode !== undefined) return { ignored: `the call failed: ${excerpt(errorCode)}` };
  return { repository: requestParameters.repositoryName, images: 'all' };
}

function malformed(error: z.ZodError): IgnoredEvent {
  const issue = error.issues[0];
  return { ignored: `malformed: ${issue?.path.join('.') || 'the event'}: ${issue?.message}` };
}

/** A value from outside, for one line of a log. */
function excerpt(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
