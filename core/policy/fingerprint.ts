import { createHash } from 'node:crypto';
import type { RepositoryRule } from '../config/config.ts';

/**
 * Identifies how a rule copies an image: 16 hex digits. They change when a copy of the same
 * upstream digest would turn out differently (platforms, referrers, verification), but not when
 * only the choice of images or the schedule changes.
 */
export function policyFingerprint(rule: RepositoryRule): string {
  const outcome = [
    rule.platforms === undefined ? null : [...new Set(rule.platforms)].sort(),
    rule.referrers,
    rule.verify ?? null,
  ];
  return createHash('sha256').update(JSON.stringify(outcome)).digest('hex').slice(0, 16);
}
