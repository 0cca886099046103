import type { RepositoryRule } from '../config/config.ts';
import type { MappedTag } from '../mapping/store.ts';
import { policyFingerprint } from '../policy/fingerprint.ts';
import type { ListedTag } from '../registry/operations/lists/tags.ts';

/**
 * How a tag of an upstream compares with its mapping. `missing`: it has none. `moved`: it points to
 * another digest. `strayed`: somebody else has moved the mirror's tag. `rule`: it was mirrored by
 * another rule, or to another place. `pinned`: it stays where it is. `untold`: only its digest
 * could tell.
 */
export type Comparison = 'same' | 'pinned' | 'missing' | 'moved' | 'strayed' | 'rule' | 'untold';

/** What is asked for: how the rule copies, and where to. */
export interface Wanted {
  fingerprint: string;
  mirrorRepository: string;
  /** What the mirror's tags point to. */
  mirrorTags: ReadonlyMap<string, string | undefined>;
}

/** What a rule asks for in a repository, and what its mirror has. */
export function wantedBy(
  rule: RepositoryRule,
  { mirrorRepository, mirrorTags }: Omit<Wanted, 'fingerprint'>,
): Wanted {
  return { fingerprint: policyFingerprint(rule), mirrorRepository, mirrorTags };
}

/** Compares one selected tag with its mapping. */
export function compareTag({ digest }: ListedTag, mapped: MappedTag | undefined, wanted: Wanted): Comparison {
  if (mapped?.pin) return 'pinned';
  if (mapped?.sourceDigest === undefined) return 'missing';
  if (mapped.fingerprint !== wanted.fingerprint || mapped.mirrorRepository !== wanted.mirrorRepository)
    return 'rule';
  const held = wanted.mirrorTags.get(mapped.tag);
  if (held !== undefined && held !== mapped.digest) return 'strayed';
  if (digest === undefined) return 'untold';
  return digest === mapped.sourceDigest ? 'same' : 'moved';
}
