import { createHash, createPublicKey, type KeyObject, constants as padding, verify } from 'node:crypto';

/** A text is not a public key that signatures can be verified with. */
export class PublicKeyError extends Error {
  override readonly name = 'PublicKeyError';
}

const leastRsaBits = 2048;

/** The curves of FIPS 186, by the names that OpenSSL gives them, with their customary hash. */
const curves: Readonly<Record<string, string>> = {
  prime256v1: 'sha256',
  secp384r1: 'sha384',
  secp521r1: 'sha512',
};

/**
 * Reads a public key in PEM form: ECDSA, Ed25519 or RSA.
 *
 * @throws PublicKeyError; the message completes a sentence that begins with where the key is, and
 *   never shows the text
 */
export function parsePublicKey(pem: string): KeyObject {
  const problem = wrongKind(pem);
  if (problem !== undefined) throw new PublicKeyError(problem);
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw new PublicKeyError(
      'holds a damaged public key; copy it again: cosign public-key --key cosign.key',
      {
        cause,
      },
    );
  }
  const weakness = unusable(key);
  if (weakness !== undefined) throw new PublicKeyError(weakness);
  return key;
}

/** What the text is instead of one public key. Node would take a private key for its public one. */
function wrongKind(pem: string): string | undefined {
  const kinds = [...pem.matchAll(/-----BEGIN ([A-Z0-9 ]{1,60})-----/g)].map(([, kind = '']) => kind);
  if (kinds.some((kind) => kind.includes('PRIVATE KEY')))
    return 'holds a private key, which must not be here; name the public key (cosign.pub), and treat the private key as compromised';
  if (kinds.some((kind) => kind.includes('CERTIFICATE')))
    return 'holds a certificate, not a public key; write its key: openssl x509 -pubkey -noout -in FILE';
  const publicKeys = kinds.filter((kind) => /^(?:RSA )?PUBLIC KEY$/.test(kind));
  if (publicKeys.length === 0)
    return 'holds no public key in PEM form: -----BEGIN PUBLIC KEY-----, base64, -----END PUBLIC KEY-----';
  if (publicKeys.length > 1)
    return `holds ${publicKeys.length} public keys; write a separate requirement for each, as a list under verify`;
  return undefined;
}

function unusable({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string | undefined {
  if (type === 'ed25519') return undefined;
  if (type === 'ec' && Object.hasOwn(curves, details?.namedCurve ?? '')) return undefined;
  if (type === 'rsa' && (details?.modulusLength ?? 0) >= leastRsaBits) return undefined;
  if (type === 'rsa')
    return `holds an RSA key of ${details?.modulusLength} bits, which is too weak; sign with at least ${leastRsaBits} bits`;
  return `holds a key of the kind ${details?.namedCurve ?? type ?? 'unknown'}; use ECDSA (P-256, P-384, P-521), Ed25519 or RSA`;
}

/**
 * How a key is called in results: the SHA-256 of its DER form, as `ssh-keygen -l` writes digests.
 */
export function keyFingerprint(key: KeyObject): string {
  const der = key.export({ type: 'spki', format: 'der' });
  return `SHA256:${createHash('sha256').update(der).digest('base64').replace(/=+$/, '')}`;
}

/**
 * Whether a key made a signature over a message. Cosign hashes with SHA-256 whatever the curve, and
 * with the curve's own hash in newer bundles; AWS KMS signs with RSA in both of its paddings.
 */
export function isSignedBy(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return schemesOf(key).some(({ hash, ...options }) => {
    try {
      return verify(hash, message, { key, ...options }, signature);
    } catch {
      return false;
    }
  });
}

interface Scheme {
  hash: string | null;
  padding?: number;
}

function schemesOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): Scheme[] {
  if (type === 'ed25519') return [{ hash: null }];
  if (type === 'rsa') {
    return ['sha256', 'sha384', 'sha512'].flatMap((hash) => [
      { hash, padding: padding.RSA_PKCS1_PADDING },
      { hash, padding: padding.RSA_PKCS1_PSS_PADDING },
    ]);
  }
  const own = curves[details?.namedCurve ?? ''] ?? 'sha256';
  return [...new Set(['sha256', own])].map((hash) => ({ hash }));
}
