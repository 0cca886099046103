import type * as z from 'zod';
import type { Authority, SignatureRequirement, TextMatch, Verification } from '../../config/verification.ts';
import { predicateTypeOf } from '../../verify/claims/predicate-types.ts';
import { kmsKeyOf } from './kms-key.ts';
import type { verifySchema } from './schema.ts';

type FileVerify = z.output<typeof verifySchema>;
type FileRequirement = Extract<FileVerify, unknown[]>[number];
type FileAuthority = NonNullable<FileRequirement['cosign']>;
type FileKeyless = NonNullable<FileAuthority['keyless']>;

/** What the key `verify` means. Without `all`, one of several requirements is enough. */
export function normaliseVerify(verify: FileVerify): Verification {
  if (Array.isArray(verify)) return { match: 'any', requirements: verify.map(requirementOf) };
  if ('all' in verify) return { match: 'all', requirements: verify.all.map(requirementOf) };
  if ('any' in verify) return { match: 'any', requirements: verify.any.map(requirementOf) };
  return { match: 'any', requirements: [requirementOf(verify)] };
}

function requirementOf({ cosign, attestation, ...short }: FileRequirement): SignatureRequirement {
  if (attestation === undefined) return { kind: 'signature', authority: authorityOf(cosign ?? short) };
  const { type, where = {}, ...authority } = attestation;
  return {
    kind: 'attestation',
    predicateType: predicateTypeOf(type) ?? type,
    where: Object.entries(where).map(([field, value]) => ({
      field,
      value: typeof value === 'object' ? { pattern: value.pattern } : { equals: String(value) },
    })),
    authority: authorityOf(authority),
  };
}

function authorityOf({ key, keyless, trustedRoot }: FileAuthority): Authority {
  if (keyless !== undefined) return keylessOf(keyless, trustedRoot);
  if (key === undefined) throw new Error('a requirement names nobody, though the schema accepted it');
  if (key.includes('-----BEGIN')) return { kind: 'key', publicKey: key };
  const kms = kmsKeyOf(key);
  return kms === undefined ? { kind: 'key', file: key } : { kind: 'kms', key: kms };
}

function keylessOf({ issuer, identity }: FileKeyless, trustedRoot: string | undefined): Authority {
  return {
    kind: 'keyless',
    issuer: matchOf(issuer),
    identity: matchOf(identity),
    ...(trustedRoot !== undefined && { trustedRootFile: trustedRoot }),
  };
}

function matchOf(match: FileKeyless['issuer']): TextMatch {
  return typeof match === 'string' ? { equals: match } : { pattern: match.pattern };
}
