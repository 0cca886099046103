import type { Config, RepositoryRule, Upstream } from '../config/config.ts';
import type { Digest } from '../oci/digest.ts';
import type { Reference } from '../oci/reference.ts';
import { isSignatureTag, signatureSubject } from '../oci/signature-tags.ts';
import { compileGlob } from './glob.ts';
import { compileTagFilter } from './select-tags.ts';

/**
 * Whether an image is mirrored, and by which rule. `reason` is `code: explanation`; the codes are
 * `not_configured` and `signature`.
 */
export type Selection =
  | { mirrored: true; upstream: Upstream; rule: RepositoryRule }
  | { mirrored: false; reason: string };

/**
 * Decides whether the configuration mirrors an image. Only the first of the upstream's rules whose
 * `match` fits the repository decides: a tag that its filters leave out is not offered to later
 * rules. A reference without a tag is decided by its repository. `latest` needs all tags of the
 * repository and is not checked here: a single push passes if it is a version.
 */
export function selectImage(config: Config, ref: Reference): Selection {
  const upstream = config.upstreams.find(({ registry }) => registry === ref.registry);
  if (upstream === undefined)
    return notConfigured(`no upstream is configured for the registry ${ref.registry}`);
  const rule = ruleSelector(upstream)(ref.repository);
  if (rule === undefined) return notConfigured(`no rule of ${ref.registry} matches ${ref.repository}`);
  if (ref.tag === undefined) return { mirrored: true, upstream, rule };
  if (isSignatureTag(ref.tag))
    return {
      mirrored: false,
      reason: 'signature: the tag names a signature, which is mirrored with its image',
    };
  const decision = compileTagFilter(rule)(ref.tag);
  if (!decision.selected)
    return notConfigured(`the rule ${rule.match} leaves out the tag ${ref.tag}: ${decision.why}`);
  return { mirrored: true, upstream, rule };
}

/**
 * Which of an upstream's rules applies to a repository: the first whose `match` fits. Patterns are
 * compiled once, for many names.
 */
export function ruleSelector(upstream: Upstream): (repository: string) => RepositoryRule | undefined {
  const rules = upstream.repositories.map((rule) => ({ rule, fits: compileGlob(rule.match, 'repository') }));
  return (repository) => rules.find(({ fits }) => fits(repository))?.rule;
}

/**
 * The image that a signature belongs to, if its signatures are mirrored or verified. `reason` is as
 * in {@link Selection}.
 */
export type SubjectSelection =
  | { mirrored: true; subject: SubjectReference; upstream: Upstream; rule: RepositoryRule }
  | { mirrored: false; reason: string };

/** An image by its digest alone. */
export type SubjectReference = Omit<Reference, 'tag' | 'digest'> & { digest: Digest };

/**
 * Decides about a tag that names a signature, an attestation or an SBOM: it is treated as part of
 * the image whose digest the tag holds. Whether the mirror has that image is known only later.
 *
 * @returns undefined if the tag names none of these.
 */
export function selectSubject(
  config: Config,
  { registry, repository, tag }: Reference,
): SubjectSelection | undefined {
  const digest = tag === undefined ? undefined : signatureSubject(tag);
  if (digest === undefined) return undefined;
  const subject: SubjectReference = { registry, repository, digest };
  const selection = selectImage(config, subject);
  if (!selection.mirrored) return selection;
  const { rule } = selection;
  // An image may wait for its signature, also where that is not mirrored.
  if (!rule.referrers && rule.verify === undefined) {
    const reason = `signature: the rule ${rule.match} has referrers: false, so signatures are not mirrored`;
    return { mirrored: false, reason };
  }
  return { ...selection, subject };
}

function notConfigured(explanation: string): Selection {
  return { mirrored: false, reason: `not_configured: ${explanation}` };
}
