import { createHash } from 'node:crypto';
import type { Digest } from '../../oci/digest.ts';
import { bundleFrom, hasCertificate } from './annotations.ts';
import type { Candidate, Claim } from './claim.ts';
import { ClaimError, objectOf, parseJson, quoted } from './claim-error.ts';

const signatureAnnotation = 'dev.cosignproject.cosign/signature';
const payloadType = 'cosign container image signature';

/**
 * Reads a signature as cosign keeps it under an image's `.sig` tag: the payload is the layer, and
 * what belongs to it stands in annotations. The reference in it is information, as in cosign: an
 * image may be copied with its signatures.
 * https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 *
 * @throws ClaimError
 */
export function readSimpleSigning({ bytes, annotations }: Candidate, digest: Digest): Claim {
  const payload = objectOf(parseJson(bytes, 'its payload'), 'its payload');
  const critical = objectOf(payload.critical, 'critical of its payload');
  const image = objectOf(critical.image, 'critical.image of its payload');
  if (critical.type !== payloadType)
    throw new ClaimError(`critical.type of its payload is ${quoted(critical.type)}, not “${payloadType}”`);
  const signed = image['docker-manifest-digest'];
  if (signed !== digest) throw new ClaimError(`it signs ${quoted(signed)}, not this image`);
  const signature = annotations[signatureAnnotation];
  if (signature === undefined || signature === '')
    throw new ClaimError(`it has no signature: the annotation ${signatureAnnotation} is missing`);
  return {
    kind: 'signature',
    signed: {
      message: bytes,
      signatures: [Buffer.from(signature, 'base64')],
      hasCertificate: hasCertificate(annotations),
      bundle: () =>
        bundleFrom(annotations, {
          messageSignature: {
            messageDigest: {
              algorithm: 'SHA2_256',
              digest: createHash('sha256').update(bytes).digest('base64'),
            },
            signature,
          },
        }),
    },
  };
}
