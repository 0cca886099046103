import { formatReference } from '../../core/oci/reference.ts';
import { reasonOf, type Verified, type VerifyImage } from '../../core/verify/verdict.ts';
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
  const { digest } = await source.manifest(src.digest ?? image.tag, { signal });
  const name = formatReference(src);
  const verdict = await verifyImage({ image: name, digest, verification: rule.verify, source }, { signal });
  if (verdict.kind === 'verified') {
    const { verified } = verdict;
    if (verified.digest !== digest) throw new Error(`the verdict on ${digest} is about ${verified.digest}`);
    const { registry, repository } = src;
    return { image: { ...image, src: { registry, repository, digest } }, verified };
  }
  const isMissing = verdict.kind === 'missing';
  throw new CopyFailure(
    {
      code: isMissing ? 'SIGNATURE_MISSING' : 'SIGNATURE_INVALID',
      message: `it is not copied, since ${digest} ${isMissing ? 'is not signed as its rule requires' : 'has no valid signature'}: ${reasonOf(name, verdict)}`,
      remedy: 'sign it as `verify` of its rule asks, or correct the rule; drayage sync then copies it',
    },
    undefined,
  );
}
