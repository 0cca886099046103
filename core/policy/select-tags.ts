import Range from 'semver/classes/range.js';
import type { RepositoryRule } from '../config/config.ts';
import { isSignatureTag } from '../oci/signature-tags.ts';
import { compileGlob } from './glob.ts';
import {
  compareVersions,
  isBuildNumber,
  isPrerelease,
  semverOf,
  type TagVersion,
  tagVersion,
} from './tag-version.ts';

/** Whether a tag is mirrored, and why not; `version` is set if the rule reads tags as versions. */
export type TagDecision = { selected: true; version?: TagVersion } | { selected: false; why: string };

/**
 * Compiles a rule's tag filters. A tag is selected when all of these hold:
 *
 * - it names no signature (`sha256-<hex>.sig` and the like);
 * - a pattern of `include` matches it and none of `exclude` does;
 * - if the rule has `semver` or `latest`, it is a version (`tagVersion`) and its number is in the
 *   range. Only the number is checked against the range, with missing parts as zeros. A version
 *   with a suffix (`1.27.3-alpine`, `1.28.0-rc.1`) counts only if a matching pattern of `include`
 *   has a `-` itself, such as `*-alpine`: `1.*` with `>=1.25` is not a request for release
 *   candidates.
 * - a range that names a prerelease itself (`>=1.28.0-rc.2`) includes prereleases, which are
 *   checked with their suffix, as node-semver does with `includePrerelease`:
 *   https://github.com/npm/node-semver#prerelease-tags
 * - a date or build number (`20240329`) is in a range only if the range names one, too: `>=3.18`
 *   does not include it.
 *
 * `latest` needs to see all tags: see `selectTags`.
 */
export function compileTagFilter(rule: RepositoryRule): (tag: string) => TagDecision {
  const include = rule.tags.include.map((pattern) => ({
    matches: compileGlob(pattern, 'tag'),
    namesSuffix: pattern.includes('-'),
  }));
  const exclude = rule.tags.exclude.map((pattern) => ({ pattern, matches: compileGlob(pattern, 'tag') }));
  const { semver } = rule.tags;
  const asksPrereleases = semver !== undefined && /\d-[0-9A-Za-z]/.test(semver);
  const asksBuildNumbers = semver !== undefined && /(?<![\w.-])v?\d{8,}(?![\w.])/.test(semver);
  const range = semver === undefined ? undefined : new Range(semver, { includePrerelease: asksPrereleases });
  const byVersion = range !== undefined || rule.tags.latest !== undefined;

  return (tag) => {
    if (isSignatureTag(tag)) return { selected: false, why: 'it names a signature of another image' };
    const including = include.filter(({ matches }) => matches(tag));
    if (including.length === 0) return { selected: false, why: 'no pattern of tags.include matches' };
    const excluding = exclude.find(({ matches }) => matches(tag));
    if (excluding !== undefined) return { selected: false, why: `tags.exclude has ${excluding.pattern}` };
    if (!byVersion) return { selected: true };
    const version = tagVersion(tag);
    if (version === undefined) return { selected: false, why: 'it is not a version' };
    const namesPrerelease = asksPrereleases && isPrerelease(version);
    if (version.suffix !== '' && !namesPrerelease && !including.some(({ namesSuffix }) => namesSuffix))
      return { selected: false, why: `no pattern of tags.include names the suffix -${version.suffix}` };
    const asked = (namesPrerelease ? semverOf(version) : undefined) ?? version.number;
    const isMeant = asksBuildNumbers || !isBuildNumber(version);
    if (range !== undefined && !(isMeant && range.test(asked)))
      return { selected: false, why: `tags.semver is ${semver}` };
    return { selected: true, version };
  };
}

/**
 * Which of a repository's tags a rule mirrors, each once and in the order given. With `latest: n`
 * these are the n newest versions among the tags that pass the other filters; dates and build
 * numbers count if there are no other versions.
 */
export function selectTags(rule: RepositoryRule, tags: string[]): string[] {
  const filter = compileTagFilter(rule);
  const selected: { tag: string; version?: TagVersion }[] = [];
  for (const tag of new Set(tags)) {
    const decision = filter(tag);
    if (decision.selected) selected.push({ tag, ...(decision.version && { version: decision.version }) });
  }
  if (rule.tags.latest === undefined) return selected.map(({ tag }) => tag);
  const versions = selected.flatMap(({ tag, version }) => (version === undefined ? [] : [{ tag, version }]));
  const hasDots = versions.some(({ version }) => version.numbers.length > 1);
  const newest = versions
    .filter(({ version }) => !hasDots || !isBuildNumber(version))
    .sort((a, b) => compareVersions(b.version, a.version) || (a.tag < b.tag ? -1 : 1))
    .slice(0, rule.tags.latest);
  const chosen = new Set(newest.map(({ tag }) => tag));
  return selected.flatMap(({ tag }) => (chosen.has(tag) ? [tag] : []));
}
