import { DrayageError, type Retry } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';

/** Retention deletes the image from the mirror now. The job copies it again afterwards. */
export class RetiringError extends DrayageError {
  override readonly name = 'RetiringError';
  readonly code = 'IMAGE_RETIRING';
  readonly side = 'mirror';
  readonly remedy = 'none needed: the job looks again by itself';
  readonly retry: Retry = { kind: 'backoff' };

  constructor(digest: Digest) {
    super(`retention is deleting ${digest} from the mirror`);
  }
}
