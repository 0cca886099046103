import type { Bundle } from '@sigstore/bundle';
import type { TrustedRoot } from '@sigstore/protobuf-specs';
import { type KeyFinderFunc, toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import type { Authority } from '../config/verification.ts';
import type { SignedContent } from './claims/claim.ts';
import { ClaimError, quoted } from './claims/claim-error.ts';
import { describeMatch, matchesText } from './text-match.ts';
import { parseTrustedRoot, publicTrustedRoot } from './trusted-root.ts';

type Keyless = Extract<Authority, { kind: 'keyless' }>;

/** Who signed, and when a log or a timestamp authority saw it. */
export interface KeylessSigner {
  issuer: string;
  identity: string;
  signedAt: string;
}

/**
 * Verifies a signature that was made with a certificate: that a trusted authority issued it, that
 * it was valid when a log or a timestamp authority saw the signature, and that it was issued to who
 * is required.
 *
 * @throws ClaimError
 */
export function verifyKeyless(signed: SignedContent, authority: Keyless): KeylessSigner {
  if (!signed.hasCertificate) throw new ClaimError('it is signed with a key, not with a certificate');
  const { trustedRoot } = authority;
  const root = trustedRoot === undefined ? publicTrustedRoot() : parseTrustedRoot(trustedRoot);
  const bundle = signed.bundle();
  const { identity: found, signedAt } = judge(bundle, signed.message, root);
  const identity = found?.subjectAlternativeName;
  const issuer = found?.extensions?.issuer;
  if (!identity || !issuer) throw new ClaimError('its certificate names no identity or no issuer');
  if (!matchesText(issuer, authority.issuer))
    throw new ClaimError(
      `it is signed by ${quoted(identity)}, authenticated by ${quoted(issuer)}, not by ${quoted(describeMatch(authority.issuer))}`,
    );
  if (!matchesText(identity, authority.identity))
    throw new ClaimError(
      `it is signed by ${quoted(identity)}, not by ${quoted(describeMatch(authority.identity))}`,
    );
  return { issuer, identity, signedAt };
}

/**
 * When a log or a timestamp authority saw a signature that a key made; undefined if neither did.
 */
export function keySignedAt(
  signed: SignedContent,
  publicKey: ReturnType<KeyFinderFunc>['publicKey'],
): string | undefined {
  if (signed.hasCertificate) return undefined;
  try {
    return judge(signed.bundle(), signed.message, publicTrustedRoot(), () => ({
      publicKey,
      validFor: () => true,
    })).signedAt;
  } catch {
    // A key's signature counts without a time.
    return undefined;
  }
}

function judge(bundle: Bundle, message: Uint8Array, root: TrustedRoot, keys?: KeyFinderFunc) {
  try {
    const artifact = bundle.content.$case === 'messageSignature' ? Buffer.from(message) : undefined;
    const entity = toSignedEntity(bundle, artifact);
    const verifier = new Verifier(toTrustMaterial(root, keys), {
      // A root without logs is of an instance that only has timestamps.
      tlogThreshold: root.tlogs.length > 0 ? 1 : 0,
      ctlogThreshold: root.ctlogs.length > 0 ? 1 : 0,
      timestampThreshold: 1,
    });
    const { identity } = verifier.verify(entity);
    const times = entity.timestamps.flatMap((timestamp) => {
      if (timestamp.$case === 'timestamp-authority') return timestamp.timestamp.signingTime.getTime();
      // Only a promise makes the log answer for the time.
      const { inclusionPromise, integratedTime } = timestamp.tlogEntry;
      return inclusionPromise ? Number(integratedTime) * 1000 : [];
    });
    return { identity, signedAt: new Date(Math.min(...times)).toISOString() };
  } catch (cause) {
    throw new ClaimError(explain(cause), { cause });
  }
}

/** What Sigstore's verifier says, in words that name what is wrong. */
function explain(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const told = quoted(message).slice(1, -1);
  switch (code) {
    case 'TIMESTAMP_ERROR':
      return `no trusted log or timestamp authority proves when it was signed (${told})`;
    case 'CERTIFICATE_ERROR':
      return `its certificate was not issued by a trusted authority, or was not valid when it was used (${told})`;
    case 'SIGNATURE_ERROR':
      return 'its signature does not match what it signs';
    default:
      return typeof code === 'string' && /^(?:TLOG|PUBLIC_KEY)_/.test(code)
        ? `its entry in the transparency log belongs to another signature, or is not from a trusted log (${told})`
        : `its certificate, log entry or timestamp is invalid (${told})`;
  }
}
