import { DrayageError, type Retry } from '../errors.ts';
import { plainText } from '../oci/plain-text.ts';

/** Which requirement an image does not meet. */
export type RefusalCode =
  | 'too_large'
  | 'platform_missing'
  | 'label_mismatch'
  | 'annotation_mismatch'
  | 'scan_blocked'
  | 'scan_unavailable';

/** Characters; a name or a value from an image may be of any length. */
const maxMessage = 800;

/**
 * An image is not what its rule requires. This stays true of its digest, so another attempt would
 * end the same way.
 */
export class ContentRefused extends DrayageError {
  override readonly name = 'ContentRefused';
  readonly code: RefusalCode;
  readonly side = 'upstream';
  readonly remedy: string;
  readonly retry: Retry = { kind: 'never' };

  /**
   * @param image `registry/repository:tag`
   * @param detail completes the sentence about the image. It may hold text from the image: it is
   *   shortened and stripped of control characters
   */
  constructor(
    code: RefusalCode,
    { image, detail, remedy }: { image: string; detail: string; remedy: string },
  ) {
    super(`${image}: ${plainText(detail, maxMessage)}; it is not mirrored`);
    this.code = code;
    this.remedy = remedy;
  }
}
