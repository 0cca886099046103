import type { Config } from '../../core/config/config.ts';
import type { Platform } from '../../core/oci/platform.ts';
import type { Reference } from '../../core/oci/reference.ts';
import { UsageError } from '../shared/usage-error.ts';

/** An image reference as it was parsed, and as it was written. */
export interface WrittenReference {
  reference: Reference;
  text: string;
}

/** The options of `drayage copy`, as they are parsed. */
export interface CopyFlags {
  platform: Platform[];
  referrers: boolean;
  allTags: boolean;
  include: string[];
  exclude: string[];
  semver?: string;
  latest?: number;
  /** How many images are copied at once; by default as many as both registries take. */
  parallel?: number;
  dryRun: boolean;
  /** Create the destination's repository in Amazon ECR, if it does not exist. */
  createRepository: boolean;
  json: boolean;
  events: boolean;
  /** HTTP instead of HTTPS: with both registries, or one of them. */
  plainHttp: boolean;
  srcPlainHttp: boolean;
  dstPlainHttp: boolean;
  /** Hosts besides the registries' own that their logins may be sent to. */
  authHost: string[];
  /** Hosts that reads may be redirected to although their addresses are private. */
  redirectHost: string[];
  /** A file with additional certificate authorities. */
  caFile?: string;
  /** How long to wait for the first byte of an answer. */
  timeoutMs?: number;
}

/** Which tags are copied: the same as `tags` of a rule in mirror.yaml. */
export type TagRule = Config['upstreams'][number]['repositories'][number]['tags'];

/**
 * The tags that `--all-tags` and its filters ask for, or undefined for the copy of one image.
 *
 * @throws UsageError for filters without it, a tag or digest beside it, and filters that
 *   mirror.yaml would not take either
 */
export async function tagRule(
  src: WrittenReference,
  dst: WrittenReference,
  flags: CopyFlags,
): Promise<TagRule | undefined> {
  const { include, exclude, semver, latest } = flags;
  const given = {
    ...(include.length > 0 && { include }),
    ...(exclude.length > 0 && { exclude }),
    ...(semver !== undefined && { semver }),
    ...(latest !== undefined && { latest }),
  };
  if (flags.referrers && flags.dryRun)
    throw new UsageError('--dry-run does not look at what refers to an image: leave out --referrers');
  if (!flags.allTags && flags.parallel !== undefined)
    throw new UsageError('--parallel is about the tags of a repository: add --all-tags');
  if (!flags.allTags) {
    const [filter] = Object.keys(given);
    if (filter === undefined) return undefined;
    throw new UsageError(`--${filter} chooses among the tags of a repository: add --all-tags`);
  }
  for (const { text } of [src, dst]) {
    if (namesTagOrDigest(text))
      throw new UsageError(
        `--all-tags copies from repository to repository: leave the tag or digest out of ${text}`,
      );
  }
  // Loading the schema costs as much as the rest of the start.
  if (Object.keys(given).length === 0) return { include: ['*'], exclude: [] };
  const [{ tagsSchema }, { explain }] = await Promise.all([
    import('../../core/mirror-yaml/upstream-schema.ts'),
    import('../../core/mirror-yaml/explain.ts'),
  ]);
  const read = tagsSchema.safeParse(given);
  if (read.success) {
    const { semver, latest, ...patterns } = read.data;
    return { ...patterns, ...(semver !== undefined && { semver }), ...(latest !== undefined && { latest }) };
  }
  const findings = explain(read.error.issues, tagsSchema, given, [], () => undefined);
  throw new UsageError(findings.map(({ path, message }) => `--${path[0]}: ${message}`).join('; '));
}

/** A colon before the last slash is a port's. */
function namesTagOrDigest(text: string): boolean {
  return text.includes('@') || text.slice(text.lastIndexOf('/') + 1).includes(':');
}
