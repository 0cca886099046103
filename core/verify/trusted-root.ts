import { TrustedRoot } from '@sigstore/protobuf-specs';
import seeds from '@sigstore/tuf/seeds.json' with { type: 'json' };

/** A file is not a trusted root. The message completes a sentence that begins with where it is. */
export class TrustedRootError extends Error {
  override readonly name = 'TrustedRootError';
}

/**
 * Reads a trusted root, as `cosign trusted-root create` writes it: which authorities of
 * certificates, logs and timestamps are trusted, and since when.
 * https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto
 *
 * @throws TrustedRootError
 */
export function parseTrustedRoot(text: string): TrustedRoot {
  let root: TrustedRoot;
  try {
    root = TrustedRoot.fromJSON(JSON.parse(text));
  } catch (cause) {
    throw new TrustedRootError(notOne, { cause });
  }
  if (!root.mediaType.startsWith('application/vnd.dev.sigstore.trustedroot'))
    throw new TrustedRootError(notOne);
  if (root.certificateAuthorities.length === 0)
    throw new TrustedRootError(
      'names no certificate authority, so no signature could be valid; add certificateAuthorities',
    );
  return root;
}

const notOne = 'is not a Sigstore trusted root; create one: cosign trusted-root create';

let known: TrustedRoot | undefined;

/** The root of Sigstore's public instance, as it was when this version was made. */
export function publicTrustedRoot(): TrustedRoot {
  const target = seeds['https://tuf-repo-cdn.sigstore.dev'].targets['trusted_root.json'];
  known ??= parseTrustedRoot(Buffer.from(target, 'base64').toString('utf8'));
  return known;
}
