import { randomBytes } from 'node:crypto';
import { type Digest, isDigest } from '../../core/oci/digest.ts';
import { sign, verify } from './secrets.ts';

/** How long a link to a layer is valid (milliseconds). */
const linkLifetime = 60 * 60 * 1000;

/** Links that need no login, like the presigned S3 URLs that ECR returns for layers. */
export class LayerLinks {
  readonly #key = randomBytes(32);
  #base: string | undefined;

  /**
   * Makes links point to another host, as with S3. By default they point to the host of the
   * request.
   */
  useHost(origin: string): void {
    this.#base = origin;
  }

  /**
   * An address of the bytes that needs no credentials.
   *
   * @param origin the registry's, as the client sent it
   */
  linkTo(digest: Digest, origin: string): string {
    const token = sign(this.#key, { digest, expiresAt: Date.now() + linkLifetime });
    return `${this.#base ?? origin}/layers/${digest}?token=${token}`;
  }

  /** The digest of a link, if the link is one of ours and still valid. */
  resolve(path: string, token: string | null): Digest | undefined {
    const digest = path.slice('/layers/'.length);
    const statement = verify(this.#key, token ?? '') as { digest: string; expiresAt: number } | undefined;
    const valid = statement?.digest === digest && statement.expiresAt > Date.now();
    return valid && isDigest(digest) ? digest : undefined;
  }
}
