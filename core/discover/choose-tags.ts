import type { RepositoryRule } from '../config/config.ts';
import { globProblem } from '../policy/glob.ts';
import { compileTagFilter } from '../policy/select-tags.ts';
import { compareVersions, isBuildNumber, type TagVersion, tagVersion } from '../policy/tag-version.ts';

/** What stands under `tags` of a rule; without any key, all tags are mirrored. */
export interface TagChoice {
  include?: string[];
  exclude?: string[];
  semver?: string;
  latest?: number;
}

/** With more patterns than this, all tags are mirrored. */
const mostPatterns = 20;
/** With more suffixes than this, all suffixes are. */
const mostSuffixes = 6;
/** From here on, a major version is a year: there is always a next one. */
const firstYear = 1900;

/**
 * Generalises the tags that run: to what is likely to run next, and not to everything. Versions
 * become a range, from the oldest that runs up to the next major one, with the suffixes that run.
 * Other tags become patterns, with what looks counted or random replaced by `*`. Whatever comes out
 * selects all of these tags: it is tried before it is returned.
 */
export function chooseTags(tags: readonly string[]): TagChoice {
  const choices = [byRange, byPatterns, exactly].map((choose) => choose(tags));
  return choices.find((choice) => choice !== undefined && selects(choice, tags)) ?? {};
}

/** Whether a rule with this choice selects all the tags. */
export function selects(
  { include = ['*'], exclude = [], ...more }: TagChoice,
  tags: readonly string[],
): boolean {
  if ([...include, ...exclude].some((pattern) => globProblem(pattern, 'tag') !== undefined)) return false;
  const filter = compileTagFilter({ tags: { include, exclude, ...more } } as RepositoryRule);
  return tags.every((tag) => filter(tag).selected);
}

function byRange(tags: readonly string[]): TagChoice | undefined {
  const versions = tags.map((tag) => tagVersion(tag));
  const all = versions.filter((version): version is TagVersion => version !== undefined);
  const [oldest, newest] = [all.toSorted(compareVersions)[0], all.toSorted(compareVersions).at(-1)];
  if (all.length < tags.length || oldest === undefined || newest === undefined) return undefined;
  if (all.some(isBuildNumber) && !all.every(isBuildNumber)) return undefined;
  const suffixes = new Set(all.map(({ suffix }) => (suffix === '' ? '*' : `*-${suffixPattern(suffix)}`)));
  const include = suffixes.size > mostSuffixes ? ['*', '*-*'] : [...suffixes].sort();
  const from = oldest.number.version.split('.').slice(0, Math.min(3, oldest.numbers.length)).join('.');
  const isEndless = isBuildNumber(newest) || newest.number.major >= firstYear;
  const semver = isEndless ? `>=${from}` : `>=${from} <${newest.number.major + 1}`;
  return { ...(include.join() !== '*' && { include }), semver };
}

function byPatterns(tags: readonly string[]): TagChoice | undefined {
  const include = [...new Set(tags.map(tagPattern))].sort();
  if (include.length > mostPatterns || include.includes('*')) return undefined;
  // Patterns of versions also match versions with suffixes, of which none runs.
  const hasVersions = include.some((pattern) => pattern.endsWith('.*'));
  const exclude = hasVersions && !tags.some((tag) => tag.includes('-')) ? ['*-*'] : undefined;
  return { include, ...(exclude && { exclude }) };
}

function exactly(tags: readonly string[]): TagChoice | undefined {
  return tags.length > mostPatterns || tags.every(isCommit)
    ? undefined
    : { include: [...new Set(tags)].sort() };
}

function tagPattern(tag: string): string {
  const version = tagVersion(tag);
  if (version !== undefined) {
    const major = /^v?\d+/.exec(tag)?.[0] ?? '';
    const suffix = version.suffix === '' ? '' : `-${suffixPattern(version.suffix)}`;
    if (isBuildNumber(version)) return `${major.slice(0, 4)}*${suffix}`;
    return `${major}${version.numbers.length > 1 ? `${tag.charAt(major.length)}*` : ''}${suffix}`;
  }
  if (isCommit(tag)) return '*';
  const parts = tag.split(/(?<=[._-])/);
  const random = parts.findIndex((part) => isCommit(part.replace(/[._-]$/, '')));
  const counted = parts.findIndex((part) => /^v?\d/.test(part));
  const known = [random, counted].filter((index) => index > 0);
  if (known.length > 0) return `${parts.slice(0, Math.min(...known)).join('')}*`;
  const [, number] = /^(v?\d+[._])/.exec(tag) ?? [];
  return number === undefined ? tag : `${number}*`;
}

/** Words with digits that do not count anything. */
const architectures = /^(amd64|arm64(v8)?|arm(v[5-8]|32v[5-8])?|x86_64|i386|386|ppc64le|s390x|riscv64)$/;

/** `alpine3.20` → `alpine3.*`, `debian-12-r14` → `debian-12-r*`, `63-g1a2b3c4` → `63-*` */
function suffixPattern(suffix: string): string {
  const parts = suffix
    .split(/([._-])/)
    .map((part) => (isCommit(part) || isCommit(part.replace(/^g/, '')) ? '*' : part));
  const last = parts.findLastIndex((part) => /\d/.test(part) && !architectures.test(part));
  if (!parts.includes('*') && last >= 0) parts[last] = (parts[last] as string).replace(/\d+(?=\D*$)/, '*');
  return parts.join('').replace(/\*[*._-]*\*/g, '*');
}

/** Whether a text looks like a commit’s hash: hexadecimal, with digits and letters. */
function isCommit(text: string): boolean {
  return /^[0-9a-f]{7,64}$/.test(text) && /\d/.test(text) && /[a-f]/.test(text);
}
