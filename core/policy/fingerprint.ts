import { createHash } from 'node:crypto';
import type { RepositoryRule } from '../config/config.ts';
import type { Authority, Verification } from '../config/verification.ts';

/**
 * Identifies how a rule copies an image: 16 hex digits. They change when a copy of the same
 * upstream digest would turn out differently (platforms, referrers, verification, requirements),
 * but not when only the choice of images or the schedule changes.
 */
export function policyFingerprint(rule: RepositoryRule): string {
  const outcome = [
    rule.platforms === undefined ? null : [...new Set(rule.platforms)].sort(),
    rule.referrers,
    rule.verify === undefined ? null : whatIsVerified(rule.verify),
    ...(rule.require === undefined ? [] : [rule.require]),
  ];
  return createHash('sha256').update(JSON.stringify(outcome)).digest('hex').slice(0, 16);
}

/** Everything that decides: a file's content rather than its name, once it was read. */
function whatIsVerified({ match, requirements }: Verification): unknown {
  return [match, ...requirements.map(({ authority, ...rest }) => [rest, whoMustSign(authority)])];
}

function whoMustSign(authority: Authority): unknown {
  switch (authority.kind) {
    case 'key':
      return { key: authority.publicKey ?? authority.file };
    case 'kms':
      return { kms: authority.key };
    case 'keyless': {
      const { issuer, identity, trustedRootFile, trustedRoot = trustedRootFile } = authority;
      return { issuer, identity, trustedRoot };
    }
  }
}
