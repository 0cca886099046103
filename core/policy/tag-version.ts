import SemVer from 'semver/classes/semver.js';
import { compareNatural } from './natural-order.ts';

/** A tag that is read as a version. */
export interface TagVersion {
  /** Its numbers: `1.27` is [1, 27], `4.0.9.2244` [4, 0, 9, 2244], `2024-01-15` [2024, 1, 15]. */
  numbers: number[];
  /** The first three numbers, with missing ones as 0: what a semver range is applied to. */
  number: SemVer;
  /** What follows the numbers after a `-`: `alpine3.20`, `rc.1`; empty if nothing does. */
  suffix: string;
}

/** At most six numbers, so that nothing grows with a hostile tag. */
const versionTag = /^v?(\d{1,15}(?:\.\d{1,15}){0,5})(?:-(.+))?$/;
/** A date with separators that versions do not have: `2024-01-15`, `2024_01_15`. */
const dateTag = /^(\d{4})([-_])(\d{2})\2(\d{2})(?:[-_.](.+))?$/;
/** From this many digits on, a lone number is a date or a build number: `20240329`. */
const buildNumberDigits = 8;

/**
 * Words in a suffix that mean that the version is not released yet. Any other suffix is a build, a
 * revision or a variant of the version (`r10`, `ls101`, `63-g1a2b3c`, `debian-12`).
 */
const prereleaseWord =
  /^(?:a|alpha|b|beta|c|canary|cr|dev|ea|experimental|m|milestone|next|nightly|pre|preview|prerelease|rc|snapshot|test|testing|unstable)(?=[\d._-]|$)/i;

/**
 * Reads a tag as a version: numbers with dots between them, or a date, an optional `v` before and
 * an optional `-suffix` after them. `1.27.3`, `v1.27`, `24.04`, `4.0.9.2244-ls257`, `20240329` and
 * `2024-03-29` are versions; `latest` and `1.27_p1` are not.
 */
export function tagVersion(tag: string): TagVersion | undefined {
  const [, year, , month, day, rest] = dateTag.exec(tag) ?? [];
  if (year !== undefined) return versionOf([year, month, day].map(Number), rest);
  const [, numbers, suffix] = versionTag.exec(tag) ?? [];
  return numbers === undefined ? undefined : versionOf(numbers.split('.').map(Number), suffix);
}

function versionOf(numbers: number[], suffix = ''): TagVersion {
  const [major = 0, minor = 0, patch = 0] = numbers;
  // Built from numbers, since `24.04` has a leading zero, which strict semver refuses.
  return { numbers, number: new SemVer(`${major}.${minor}.${patch}`), suffix };
}

/**
 * Whether a version is a lone date or build number. It is not comparable with versions with dots:
 * Alpine has `20240329` and `3.20` in one repository.
 */
export function isBuildNumber({ numbers }: TagVersion): boolean {
  return numbers.length === 1 && String(numbers[0]).length >= buildNumberDigits;
}

/** Whether the suffix says that the version is not released yet: `rc.1`, `beta`. */
export function isPrerelease({ suffix }: Pick<TagVersion, 'suffix'>): boolean {
  return prereleaseWord.test(suffix);
}

/**
 * The version in semver's form, with its suffix as the prerelease; undefined if semver does not
 * accept the suffix.
 */
export function semverOf({ number, suffix }: TagVersion): SemVer | undefined {
  if (suffix === '') return number;
  return /^[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*$/.test(suffix) && !/(?:^|\.)0\d+(?:\.|$)/.test(suffix)
    ? new SemVer(`${number.version}-${suffix}`)
    : undefined;
}

/**
 * Orders versions, older first: by their numbers, then prereleases before the release, and the
 * release before its builds and revisions. Suffixes are in natural order, so `rc9` comes before
 * `rc10`. Of `1.27` and `1.27.0`, the more specific one counts as newer.
 */
export function compareVersions(a: TagVersion, b: TagVersion): number {
  const length = Math.max(a.numbers.length, b.numbers.length);
  for (let i = 0; i < length; i += 1) {
    const difference = (a.numbers[i] ?? 0) - (b.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return rank(a) - rank(b) || compareNatural(a.suffix, b.suffix) || a.numbers.length - b.numbers.length;
}

function rank(version: TagVersion): number {
  if (version.suffix === '') return 0;
  return isPrerelease(version) ? -1 : 1;
}
