import type { KeyObject } from 'node:crypto';
import type { Authority } from '../config/verification.ts';
import type { CallOptions } from '../copy/ports.ts';
import type { SignedContent } from './claims/claim.ts';
import { ClaimError } from './claims/claim-error.ts';
import { keySignedAt, verifyKeyless } from './keyless.ts';
import { isSignedBy, keyFingerprint, parsePublicKey } from './public-key.ts';

/** Reads the public half of a key that a key management service keeps. */
export interface KeyService {
  /**
   * The key in PEM form.
   *
   * @param keyId an ARN, or `alias/…`
   * @throws DrayageError if it can't be read
   */
  readPublicKey(keyId: string, options: CallOptions): Promise<string>;
}

/** Who signed, and when that was seen. */
export interface Signer {
  by: string;
  signedAt?: string;
}

/** Verifies that the required authority signed. @throws ClaimError if it did not */
export type CheckSigned = (signed: SignedContent) => Signer;

/**
 * Prepares the check of who signed; a key is read and parsed once for all signatures.
 *
 * @throws DrayageError of the key service
 */
export async function authorityCheck(
  authority: Authority,
  keys: KeyService,
  options: CallOptions,
): Promise<CheckSigned> {
  switch (authority.kind) {
    case 'keyless':
      return (signed) => {
        const { identity, issuer, signedAt } = verifyKeyless(signed, authority);
        return { by: `${identity} (${issuer})`, signedAt };
      };
    case 'kms': {
      const pem = await keys.readPublicKey(authority.key, options);
      return keyCheck(parsePublicKey(pem), authority.key);
    }
    case 'key': {
      if (authority.publicKey === undefined)
        throw new TypeError(`the key file ${authority.file} was never read`);
      const key = parsePublicKey(authority.publicKey);
      return keyCheck(key, `key ${keyFingerprint(key)}`);
    }
  }
}

function keyCheck(key: KeyObject, by: string): CheckSigned {
  return (signed) => {
    const { message, signatures } = signed;
    if (!signatures.some((signature) => isSignedBy(key, message, signature)))
      throw new ClaimError(
        signed.hasCertificate
          ? `it is signed with a certificate’s key, not with ${by}`
          : `it is not signed with ${by}, or was changed afterwards`,
      );
    const signedAt = keySignedAt(signed, key);
    return { by, ...(signedAt !== undefined && { signedAt }) };
  };
}
