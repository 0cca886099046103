import { randomBytes } from 'node:crypto';
import { type Digest, isDigest } from '../../core/oci/digest.ts';
import { sign, verify } from './secrets.ts';

/** How long a link to a layer works (milliseconds). */
const linkLifetime = 60 * 60 * 1000;

/** Links that need no login, as ECR hands out presigned S3 addresses for layers. */
export class LayerLinks {
  readonly #key = randomBytes(32);
  #base: string | undefined;

  /** Links go to another host, as they do with S3; without it, to the one that was asked. */
  useHost(origin: string): void {
    this.#base = origin;
  }

  /**
   * Where the bytes can be had without credentials.
   *
   * @param origin the registry's, as the client wrote it
   */
  linkTo(digest: Digest, origin: string): string {
    const token = sign(this.#key, { digest, expiresAt: Date.now() + linkLifetime });
    return `${this.#base ?? origin}/layers/${digest}?token=${token}`;
  }

  /** The digest that a link is for, if it is one of ours and still valid. */
  resolve(path: string, token: string | null): Digest | undefined {
    const digest = path.slice('/layers/'.length);
    const statement = verify(this.#key, token ?? '') as { digest: string; expiresAt: number } | undefined;
    const valid = statement?.digest === digest && statement.expiresAt > Date.now();
    return valid && isDigest(digest) ? digest : undefined;
  }
}
