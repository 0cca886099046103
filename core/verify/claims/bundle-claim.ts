import { type Bundle, bundleFromJSON } from '@sigstore/bundle';
import type { Digest } from '../../oci/digest.ts';
import type { Candidate, Claim } from './claim.ts';
import { ClaimError, objectOf, parseJson } from './claim-error.ts';
import { readStatement } from './dsse-claim.ts';

/** One of each is usual. The verifier compares each with each, whoever wrote them. */
const maxWitnesses = 10;

/** Limits of what the verifier works through for each log entry and certificate. */
const maxCheckpointBytes = 16 * 1024;
const maxProofHashes = 64;
const maxCertificates = 10;
const maxCertificateBytes = 64 * 1024;

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
  if (tlogEntries.some(({ inclusionProof: proof }) => proof !== undefined && isTooLarge(proof)))
    throw new ClaimError('a proof of inclusion in its bundle is too large');
  if (!hasUsualCertificates(verificationMaterial))
    throw new ClaimError('the certificates in its bundle are too many or too large');
  const { payloadType, payload, signatures } = content.dsseEnvelope;
  return readStatement(payloadType, payload, digest, {
    signatures: signatures.map(({ sig }) => sig),
    hasCertificate: verificationMaterial.content.$case !== 'publicKey',
    bundle: () => bundle,
  });
}

function isTooLarge({
  checkpoint,
  hashes,
}: {
  checkpoint?: { envelope: string } | undefined;
  hashes: Buffer[];
}) {
  return (checkpoint?.envelope.length ?? 0) > maxCheckpointBytes || hashes.length > maxProofHashes;
}

function hasUsualCertificates({ content }: Bundle['verificationMaterial']): boolean {
  const certificates =
    content.$case === 'certificate'
      ? [content.certificate]
      : content.$case === 'x509CertificateChain'
        ? content.x509CertificateChain.certificates
        : [];
  return (
    certificates.length <= maxCertificates &&
    certificates.every(({ rawBytes }) => rawBytes.length <= maxCertificateBytes)
  );
}
