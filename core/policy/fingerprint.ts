import { createHash } from 'node:crypto';
import type { RepositoryRule } from '../config/config.ts';

/**
 * Identifies what a rule makes of an image: 16 hex digits that change when a copy of the same
 * upstream digest would come out differently (platforms, referrers, verification), and do not when
 * only the choice of images or the schedule does.
 */
export function policyFingerprint(rule: RepositoryRule): string {
  const outcome = [
    rule.platforms === undefined ? null : [...new Set(rule.platforms)].sort(),
    rule.referrers,
    rule.verify === undefined ? null : rule.verify.cosign.key,
  ];
  return createHash('sha256').update(JSON.stringify(outcome)).digest('hex').slice(0, 16);
}
