import { formatReference } from '../../core/oci/reference.ts';
import {
  reasonOf,
  shortfallOf,
  type Verified,
  type VerifyImage,
  verdictAbout,
} from '../../core/verify/verdict.ts';
import { type CopyContext, openPair } from '../copy/context.ts';
import { CopyFailure } from '../copy/explain.ts';
import type { SyncImage } from './find-images.ts';

/** An image as it may be copied: by the digest that was verified, if its rule requires that. */
export interface AdmittedImage {
  image: SyncImage;
  verified?: Verified;
}

/**
 * Verifies an image as its rule requires, before anything of it is copied. What is then copied is
 * the digest that was verified, wherever its tag moves meanwhile.
 *
 * @throws CopyFailure if it is not verified; RegistryError if the upstream does not serve what must
 *   be read
 */
export async function verifyFirst(
  image: SyncImage,
  context: CopyContext,
  verifyImage: VerifyImage,
): Promise<AdmittedImage> {
  const { src, rule } = image;
  if (rule.verify === undefined) return { image };
  const { signal } = context;
  const { source } = openPair(image, context);
  // Asking for the digest alone does not count as a pull: the copy then makes the only one.
  const digest =
    (await source.tagDigest(image.tag, { signal })) ?? (await source.manifest(image.tag, { signal })).digest;
  const name = formatReference(src);
  const asked = { image: name, digest, verification: rule.verify, source };
  const verdict = verdictAbout(digest, await verifyImage(asked, { signal }));
  if (verdict.kind === 'verified') {
    const { verified } = verdict;
    const { registry, repository } = src;
    return { image: { ...image, src: { registry, repository, digest } }, verified };
  }
  throw new CopyFailure(
    {
      code: verdict.kind === 'missing' ? 'SIGNATURE_MISSING' : 'SIGNATURE_INVALID',
      message: `it is not copied, since ${digest} ${shortfallOf(verdict)}: ${reasonOf(name, verdict)}`,
      remedy: 'sign it as `verify` of its rule asks, or correct the rule; drayage sync then copies it',
    },
    undefined,
  );
}
