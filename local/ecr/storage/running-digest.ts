import { createHash, type Hash } from 'node:crypto';
import type { Digest } from '../../../core/oci/digest.ts';

/**
 * A SHA-256 that can be read at any time: an upload's digest is needed before it is known whether
 * more bytes follow.
 */
export class RunningDigest {
  readonly #hash: Hash = createHash('sha256');

  /** Takes the next bytes. */
  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  /** The digest of everything so far. */
  current(): Digest {
    return `sha256:${this.#hash.copy().digest('hex')}`;
  }
}
