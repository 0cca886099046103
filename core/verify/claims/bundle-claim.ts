import { type Bundle, bundleFromJSON } from '@sigstore/bundle';
import type { Digest } from '../../oci/digest.ts';
import type { Candidate, Claim } from './claim.ts';
import { ClaimError, objectOf, parseJson } from './claim-error.ts';
import { readStatement } from './dsse-claim.ts';

/** One of each is usual. The verifier compares each with each, whoever wrote them. */
const maxWitnesses = 10;

/**
 * Reads a Sigstore bundle, which cosign 3 and artifact attestations are kept in: a signed statement
 * with everything that is needed to verify it.
 * https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md
 *
 * @throws ClaimError
 */
export function readBundle({ bytes }: Candidate, digest: Digest): Claim {
  const json = objectOf(parseJson(bytes, 'its bundle'), 'its bundle');
  let bundle: Bundle;
  try {
    bundle = bundleFromJSON(json);
  } catch (cause) {
    throw new ClaimError('its bundle is not a valid Sigstore bundle', { cause });
  }
  const { content, verificationMaterial } = bundle;
  if (content.$case !== 'dsseEnvelope')
    throw new ClaimError('its bundle signs a file, not a statement about an image');
  const { tlogEntries, timestampVerificationData: times } = verificationMaterial;
  if (Math.max(tlogEntries.length, times?.rfc3161Timestamps.length ?? 0) > maxWitnesses)
    throw new ClaimError(`its bundle has more than ${maxWitnesses} log entries or timestamps`);
  const { payloadType, payload, signatures } = content.dsseEnvelope;
  return readStatement(payloadType, payload, digest, {
    signatures: signatures.map(({ sig }) => sig),
    hasCertificate: verificationMaterial.content.$case !== 'publicKey',
    bundle: () => bundle,
  });
}
