import { compare, parse, SemVer } from 'semver';

/** A tag that is read as a version. */
export interface TagVersion {
  /** The number, missing components taken as 0: `1.27` is 1.27.0. */
  number: SemVer;
  /** How many components the tag has. */
  components: number;
  /** What follows the number after a `-`: `alpine3.20`, `rc.1`; empty when nothing does. */
  suffix: string;
}

const versionTag = /^v?(\d{1,15})(?:\.(\d{1,15}))?(?:\.(\d{1,15}))?(?:-(.+))?$/;

/** From this many digits on a lone number is a date or a build number (`20240329`), not a version. */
const buildNumberDigits = 6;

/**
 * Reads a tag as a version: one to three numbers with an optional `v` before and an optional `-suffix` after them.
 * `1.27.3`, `v1.27`, `24.04` and `1.27.3-alpine` are versions; `latest`, `1.2.3.4`, `1.27_p1` and `20240329` are not.
 */
export function tagVersion(tag: string): TagVersion | undefined {
  const found = versionTag.exec(tag);
  if (found === null) return undefined;
  const [, major = '', minor, patch, suffix = ''] = found;
  if (minor === undefined && major.length >= buildNumberDigits) return undefined;
  return {
    // By Number, since `24.04` has a leading zero, which strict semver refuses.
    number: new SemVer(`${Number(major)}.${Number(minor ?? 0)}.${Number(patch ?? 0)}`),
    components: [major, minor, patch].filter((part) => part !== undefined).length,
    suffix,
  };
}

/**
 * Orders versions, older first, as semver does. At the same number the one without a suffix is the newer (1.28.0 after
 * 1.28.0-rc.1), and of `1.27.0` and `1.27` the one that says more.
 */
export function compareVersions(a: TagVersion, b: TagVersion): number {
  return a.number.compare(b.number) || compareSuffixes(a.suffix, b.suffix) || a.components - b.components;
}

function compareSuffixes(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '' || b === '') return a === '' ? 1 : -1;
  const [prereleaseA, prereleaseB] = [parse(`0.0.0-${a}`), parse(`0.0.0-${b}`)];
  if (prereleaseA !== null && prereleaseB !== null) return compare(prereleaseA, prereleaseB);
  return a < b ? -1 : 1;
}
