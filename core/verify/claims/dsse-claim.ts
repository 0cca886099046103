import type { Digest } from '../../oci/digest.ts';
import { bundleFrom, hasCertificate } from './annotations.ts';
import type { Candidate, Claim, SignedContent } from './claim.ts';
import { ClaimError, objectOf, parseJson, quoted } from './claim-error.ts';
import { signaturePredicateType } from './predicate-types.ts';
import { expectSubject, parseStatement, statementPayloadType } from './statement.ts';

/** Cosign writes one; more are for those who sign together. */
const maxSignatures = 10;

/**
 * Reads an attestation as cosign keeps it under an image's `.att` tag: a DSSE envelope, with the
 * rest in annotations. https://github.com/secure-systems-lab/dsse/blob/v1.0.2/envelope.md
 *
 * @throws ClaimError
 */
export function readEnvelope({ bytes, annotations }: Candidate, digest: Digest): Claim {
  const envelope = objectOf(parseJson(bytes, 'its envelope'), 'its envelope');
  const { payloadType, payload, signatures } = envelope;
  if (typeof payloadType !== 'string' || typeof payload !== 'string' || !Array.isArray(signatures))
    throw new ClaimError('its envelope has no payloadType, payload or signatures');
  if (signatures.length === 0 || signatures.length > maxSignatures)
    throw new ClaimError(
      `its envelope has ${signatures.length} signatures; from 1 to ${maxSignatures} are read`,
    );
  const texts = signatures.map((signature) => {
    const { sig } = objectOf(signature, 'a signature of its envelope');
    if (typeof sig !== 'string' || sig === '') throw new ClaimError('its envelope has an empty signature');
    return sig;
  });
  return readStatement(payloadType, Buffer.from(payload, 'base64'), digest, {
    signatures: texts.map((text) => Buffer.from(text, 'base64')),
    hasCertificate: hasCertificate(annotations),
    bundle: () =>
      bundleFrom(annotations, {
        dsseEnvelope: {
          payloadType,
          payload,
          signatures: texts.slice(0, 1).map((sig) => ({ sig, keyid: '' })),
        },
      }),
  });
}

/**
 * What the payload of an envelope claims: a signature if that is all that its statement says.
 *
 * @throws ClaimError
 */
export function readStatement(
  payloadType: string,
  payload: Uint8Array,
  digest: Digest,
  signed: Omit<SignedContent, 'message'>,
): Claim {
  if (payloadType !== statementPayloadType)
    throw new ClaimError(`its payload is ${quoted(payloadType)}, not an in-toto statement`);
  const statement = parseStatement(payload);
  const { predicateType, predicate } = statement;
  expectSubject(statement, digest);
  const content = { ...signed, message: preAuthEncoding(payloadType, payload) };
  return predicateType === signaturePredicateType
    ? { kind: 'signature', signed: content }
    : { kind: 'attestation', predicateType, predicate, signed: content };
}

/** What is signed of an envelope: https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md */
function preAuthEncoding(type: string, payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.byteLength} `;
  return Buffer.concat([Buffer.from(head), payload]);
}
