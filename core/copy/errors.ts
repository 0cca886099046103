import { DrayageError, type Retry } from '../errors.ts';
import { plainText } from '../oci/plain-text.ts';

/** Codes of failures that the copy itself finds, besides those that a registry reports. */
export type CopyErrorCode =
  | 'DIGEST_INVALID'
  | 'DIGEST_UNSUPPORTED'
  | 'EMPTY_BLOB'
  | 'SIZE_INVALID'
  | 'IMAGE_TOO_DEEP'
  | 'IMAGE_TOO_LARGE'
  | 'MANIFEST_INVALID'
  | 'NO_MATCHING_PLATFORM'
  | 'TAG_MOVED';

const remedies: Record<CopyErrorCode, string> = {
  DIGEST_INVALID: 'the upstream serves damaged or forged content: tell its operator; nothing was committed',
  SIZE_INVALID: 'the upstream serves damaged or forged content: tell its operator; nothing was committed',
  DIGEST_UNSUPPORTED:
    'ask the publisher to push the image with sha256 digests, or take it out of the mirrored tags',
  EMPTY_BLOB:
    'ask the publisher to push it with a config and layers that are not empty, or take it out of the mirrored tags',
  IMAGE_TOO_DEEP: 'no cluster can run such an image: take it out of the mirrored tags',
  IMAGE_TOO_LARGE: 'take the image out of the mirrored tags, or ask its publisher for a smaller one',
  MANIFEST_INVALID:
    'ask the publisher to push the image again; without `platforms` in the rule it is mirrored as it is',
  NO_MATCHING_PLATFORM: 'name one of its platforms in the rule, or take the image out of the mirrored tags',
  TAG_MOVED: 'something else writes to the mirror repository: let only Drayage push there',
};

/** Characters; a digest has at most 135, a list of platforms about 2,000. */
const maxSubject = 300;
const maxDetail = 4_000;

/**
 * The image can't be copied as it is. Everything but TAG_MOVED is caused by the upstream's content,
 * so another attempt would end the same way, unless the content was put together from several
 * reads. A tag may have been moved by a late job, and is checked again.
 */
export class CopyError extends DrayageError {
  override readonly name = 'CopyError';
  readonly code: CopyErrorCode;
  readonly side: 'upstream' | 'mirror';
  readonly remedy: string;
  readonly retry: Retry;

  /**
   * @param subject what it is about: `registry/repository` or a digest.
   * @param detail what is wrong. Both may hold text from the image: they are shortened and stripped
   *   of control characters.
   * @param temporary if another attempt may still end differently
   */
  constructor(code: CopyErrorCode, subject: string, detail: string, temporary = code === 'TAG_MOVED') {
    super(`${plainText(subject, maxSubject)}: ${plainText(detail, maxDetail)}`);
    this.code = code;
    this.side = code === 'TAG_MOVED' ? 'mirror' : 'upstream';
    this.retry = { kind: temporary ? 'backoff' : 'never' };
    this.remedy = remedies[code];
  }
}
