import type { Config, RepositoryRule, Upstream } from '../config/config.ts';
import type { Reference } from '../oci/reference.ts';
import { compileGlob } from './glob.ts';
import { compileTagFilter } from './select-tags.ts';
import { isSignatureTag } from './signature-tags.ts';

/**
 * Whether an image is mirrored, and by which rule. `reason` is `code: explanation`; the codes are `not_configured` and
 * `signature`.
 */
export type Selection =
  | { mirrored: true; upstream: Upstream; rule: RepositoryRule }
  | { mirrored: false; reason: string };

/**
 * Decides whether the configuration mirrors an image. Of the upstream's rules the first whose `match` fits the
 * repository decides, and it alone: a tag that its filters leave out is not offered to later rules. A reference without
 * a tag is decided by its repository. `latest` needs all tags of the repository and is not looked at here: a single push
 * passes when it is a version.
 */
export function selectImage(config: Config, ref: Reference): Selection {
  const upstream = config.upstreams.find(({ registry }) => registry === ref.registry);
  if (upstream === undefined) return notConfigured(`no upstream is the registry ${ref.registry}`);
  const rule = upstream.repositories.find(({ match }) => compileGlob(match, 'repository')(ref.repository));
  if (rule === undefined) return notConfigured(`no rule of ${ref.registry} matches ${ref.repository}`);
  if (ref.tag === undefined) return { mirrored: true, upstream, rule };
  if (isSignatureTag(ref.tag))
    return { mirrored: false, reason: 'signature: the tag names a signature, which travels with its image' };
  const decision = compileTagFilter(rule)(ref.tag);
  if (!decision.selected)
    return notConfigured(`the rule ${rule.match} leaves out the tag ${ref.tag}: ${decision.why}`);
  return { mirrored: true, upstream, rule };
}

function notConfigured(explanation: string): Selection {
  return { mirrored: false, reason: `not_configured: ${explanation}` };
}
