/** Codes of failures that the copy itself finds, beside those that a registry reports. */
export type CopyErrorCode =
  | 'DIGEST_INVALID'
  | 'SIZE_INVALID'
  | 'IMAGE_TOO_DEEP'
  | 'IMAGE_TOO_LARGE'
  | 'NO_MATCHING_PLATFORM'
  | 'TAG_MOVED';

const remedies: Record<CopyErrorCode, string> = {
  DIGEST_INVALID: 'the upstream serves damaged or forged content: tell its operator; nothing was committed',
  SIZE_INVALID: 'the upstream serves damaged or forged content: tell its operator; nothing was committed',
  IMAGE_TOO_DEEP: 'this is no image that a cluster can run: take it out of the mirrored tags',
  IMAGE_TOO_LARGE: 'this is no image that a cluster can run: take it out of the mirrored tags',
  NO_MATCHING_PLATFORM: 'name one of its platforms in the rule, or take the image out of the mirrored tags',
  TAG_MOVED: 'something else writes to the mirror repository: let only Drayage push there',
};

/**
 * The image can't be copied as it is. Everything but TAG_MOVED lies in the upstream's content, so that another attempt
 * would end the same way; a tag may have been moved by a job that was late, and is looked at again.
 */
export class CopyError extends Error {
  override readonly name = 'CopyError';
  readonly code: CopyErrorCode;
  readonly side: 'upstream' | 'mirror';
  readonly remedy: string;
  readonly temporary: boolean;

  /** @param subject what it is about: `registry/repository` or a digest. */
  constructor(code: CopyErrorCode, subject: string, detail: string) {
    super(`${subject}: ${detail}`);
    this.code = code;
    this.side = code === 'TAG_MOVED' ? 'mirror' : 'upstream';
    this.temporary = code === 'TAG_MOVED';
    this.remedy = remedies[code];
  }
}
