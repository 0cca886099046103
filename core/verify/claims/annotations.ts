import { X509Certificate } from 'node:crypto';
import { type Bundle, bundleFromJSON } from '@sigstore/bundle';
import { ClaimError, type Json, objectOf, parseJson, quoted } from './claim-error.ts';

/**
 * What cosign writes beside a signature or an attestation in its own format.
 * https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 */
const names = {
  certificate: 'dev.sigstore.cosign/certificate',
  entry: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
} as const;

type Annotations = Readonly<Record<string, string>>;

/** Whether a certificate comes with the signature. */
export function hasCertificate(annotations: Annotations): boolean {
  return (annotations[names.certificate] ?? '') !== '';
}

/**
 * Puts what stands in annotations into the form of a Sigstore bundle. The annotated chain is left
 * out: which authorities are trusted is the trusted root's.
 *
 * @param content `messageSignature` or `dsseEnvelope`, as JSON
 * @throws ClaimError
 */
export function bundleFrom(annotations: Annotations, content: Record<string, Json>): Bundle {
  const certificate = annotations[names.certificate];
  const entry = annotations[names.entry];
  const timestamp = annotations[names.timestamp];
  const json = {
    // The version of bundles whose log entries have a promise instead of a proof.
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: {
      ...(certificate
        ? { x509CertificateChain: { certificates: [{ rawBytes: leafOf(certificate) }] } }
        : { publicKey: { hint: '' } }),
      tlogEntries: entry ? [logEntry(entry)] : [],
      timestampVerificationData: {
        rfc3161Timestamps: timestamp ? [{ signedTimestamp: timestampOf(timestamp) }] : [],
      },
    },
    ...content,
  };
  try {
    return bundleFromJSON(json);
  } catch (cause) {
    throw new ClaimError('its annotations do not form a complete signature', { cause });
  }
}

function leafOf(pem: string): string {
  try {
    return new X509Certificate(pem).raw.toString('base64');
  } catch (cause) {
    throw new ClaimError(`its certificate (the annotation ${names.certificate}) is damaged`, { cause });
  }
}

/**
 * `{SignedEntryTimestamp, Payload: {body, integratedTime, logIndex, logID}}`; the log signed the
 * payload.
 */
function logEntry(text: string): Record<string, Json> {
  const what = `its log entry (the annotation ${names.entry})`;
  const { SignedEntryTimestamp: promise, Payload } = objectOf(parseJson(Buffer.from(text), what), what);
  const { body, integratedTime, logIndex, logID } = objectOf(Payload, `Payload of ${what}`);
  if (typeof promise !== 'string' || typeof body !== 'string' || typeof logID !== 'string')
    throw new ClaimError(`${what} has no SignedEntryTimestamp, body or logID`);
  if (!Number.isSafeInteger(integratedTime) || !Number.isSafeInteger(logIndex))
    throw new ClaimError(`${what} has no integratedTime or logIndex`);
  const { kind, apiVersion } = objectOf(
    parseJson(Buffer.from(body, 'base64'), `body of ${what}`),
    `body of ${what}`,
  );
  if (typeof kind !== 'string' || typeof apiVersion !== 'string')
    throw new ClaimError(`${what} is of the kind ${quoted(kind)}, version ${quoted(apiVersion)}`);
  return {
    logIndex: String(logIndex),
    logId: { keyId: Buffer.from(logID, 'hex').toString('base64') },
    kindVersion: { kind, version: apiVersion },
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp: promise },
    canonicalizedBody: body,
  };
}

function timestampOf(text: string): string {
  const what = `its timestamp (the annotation ${names.timestamp})`;
  const { SignedRFC3161Timestamp: signed } = objectOf(parseJson(Buffer.from(text), what), what);
  if (typeof signed !== 'string') throw new ClaimError(`${what} has no SignedRFC3161Timestamp`);
  return signed;
}
