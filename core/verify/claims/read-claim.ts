import type { Digest } from '../../oci/digest.ts';
import { readBundle } from './bundle-claim.ts';
import type { Candidate, Claim } from './claim.ts';
import { readEnvelope } from './dsse-claim.ts';
import { readSimpleSigning } from './simple-signing.ts';

/**
 * Reads what a layer claims about an image. Nothing is verified yet but that it is about this
 * image.
 *
 * @throws ClaimError if it makes no sense, or is about something else
 */
export function readClaim(candidate: Candidate, digest: Digest): Claim {
  switch (candidate.format) {
    case 'simple-signing':
      return readSimpleSigning(candidate, digest);
    case 'dsse':
      return readEnvelope(candidate, digest);
    case 'bundle':
      return readBundle(candidate, digest);
  }
}
