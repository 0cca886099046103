import { type Digest, isDigest } from './digest.ts';

/**
 * An image reference, normalised: the registry is always named, and there is a tag, a digest or
 * both. The grammar is that of https://github.com/distribution/reference (reference.go, regexp.go,
 * normalize.go), which Docker, containerd and Kubernetes use:
 *
 *     reference := name [ ":" tag ] [ "@" digest ]
 *     name      := [ domain "/" ] path
 */
export interface Reference {
  /**
   * Host with optional port, `docker.io` for Docker Hub; letters keep their case, as in upstream's
   * library.
   */
  registry: string;
  /** The path within the registry: `library/nginx`. */
  repository: string;
  tag?: string;
  digest?: Digest;
}

/**
 * `domain := host [ ":" port ]`, `host := domain-name | IPv4 | "[" IPv6 "]"`: regexp.go
 * `domainAndPort`.
 */
const registryPattern =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;

/**
 * `path := component *( "/" component )`, components being alphanumerics joined by `.`, `_`, `__`
 * or dashes: `remoteName`.
 */
const repositoryPattern =
  /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;

/** `tag := [\w][\w.-]{0,127}`. */
const tagPattern = /^\w[\w.-]{0,127}$/;

/** `identifier := [a-f0-9]{64}`, which Docker would read as an image ID. */
const identifierPattern = /^[a-f0-9]{64}$/;

/** `RepositoryNameTotalLengthMax`; since v0.6.0 of the library it no longer counts the registry. */
const maxRepositoryLength = 255;

/**
 * A DNS name has at most 253 characters (RFC 1035, 2.3.4), a port adds six. The library itself sets
 * no limit.
 */
const maxRegistryLength = 259;

/** Larger than the sum of the parts' own limits; keeps hostile input away from the patterns. */
const maxReferenceLength = 1024;

const defaultRegistry = 'docker.io';
const legacyDefaultRegistry = 'index.docker.io';
const officialPrefix = 'library/';
const defaultTag = 'latest';

/** A text is not an image reference; `reason` says which part is wrong and how to write it. */
export class InvalidReferenceError extends Error {
  readonly input: string;
  readonly reason: string;
  constructor(input: string, reason: string) {
    super(`invalid image reference ${quote(input)}: ${reason}`);
    this.name = 'InvalidReferenceError';
    this.input = input;
    this.reason = reason;
  }
}

/**
 * Reads an image reference and normalises it: `nginx` is `docker.io/library/nginx:latest`,
 * `index.docker.io` is `docker.io`. The tag `latest` is added only if there is neither tag nor
 * digest. Throws `InvalidReferenceError`.
 */
export function parseReference(text: string): Reference {
  const fail = (reason: string) => new InvalidReferenceError(text, reason);
  if (text === '') throw fail('it is empty; write registry/repository:tag');
  if (text.length > maxReferenceLength) throw fail(`it is longer than ${maxReferenceLength} characters`);
  if (identifierPattern.test(text)) {
    throw fail('64 hexadecimal digits alone could be an image ID; write repository@sha256:<digits>');
  }
  if (isDigest(text)) throw fail('a digest alone names no repository; write repository@digest');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) throw fail('leave out the scheme (such as https://)');

  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const { registry, remainder } = splitRegistry(at < 0 ? text : text.slice(0, at));
  const colon = remainder.indexOf(':');
  const repository = colon < 0 ? remainder : remainder.slice(0, colon);
  const tag = colon < 0 ? undefined : remainder.slice(colon + 1);

  if (registry.length > maxRegistryLength) {
    throw fail(`the registry is longer than ${maxRegistryLength} characters`);
  }
  if (!registryPattern.test(registry)) {
    throw fail(`the registry ${quote(registry)} is not a host name or address; IPv6 goes in brackets`);
  }
  // A message shows the repository as it was written, without an added `library/`.
  const written = text.includes(repository) ? repository : repository.slice(officialPrefix.length);
  const wrong = repositoryProblem(repository, written);
  if (wrong) throw fail(wrong);
  if (tag !== undefined && !isTag(tag)) {
    throw fail(`the tag ${quote(tag)} is not 1 to 128 letters, digits, _ . - that do not begin with . or -`);
  }
  if (digest !== undefined && !isDigest(digest)) {
    throw fail(
      `the digest ${quote(digest)} is not sha256: or sha512: and its hexadecimal digits in lower case`,
    );
  }
  const ref: Reference = { registry, repository };
  if (tag !== undefined) ref.tag = tag;
  if (digest !== undefined) ref.digest = digest;
  if (tag === undefined && digest === undefined) ref.tag = defaultTag;
  return ref;
}

/** The whole reference: `docker.io/library/nginx:1.27@sha256:…`, with tag and digest if present. */
export function formatReference(ref: Reference): string {
  return `${ref.registry}/${ref.repository}${suffix(ref)}`;
}

/**
 * The short form that people write: `nginx:latest` for `docker.io/library/nginx:latest`. If the
 * short form would be read as something else (`docker.io/localhost/app`, `docker.io/a.b/app`),
 * which the Go library does not check, it is the whole reference.
 */
export function formatFamiliar(ref: Reference): string {
  const full = formatReference(ref);
  if (ref.registry !== defaultRegistry) return full;
  const official = /^library\/([^/]+)$/.exec(ref.repository)?.[1];
  const name = official ?? ref.repository;
  const read = splitRegistry(name);
  if (read.registry !== ref.registry || read.remainder !== ref.repository) return full;
  const short = name + suffix(ref);
  return identifierPattern.test(short) || isDigest(short) ? full : short;
}

/** Whether a text is a tag. */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Whether a text is a repository's path within a registry, without registry, tag or digest. */
export function isRepository(path: string): boolean {
  return repositoryProblem(path, path) === undefined;
}

/**
 * Splits off the registry: the first component is a registry only if it has a dot or a colon, is
 * `localhost`, or has upper case (which no repository may have). normalize.go `splitDockerDomain`.
 */
function splitRegistry(name: string): { registry: string; remainder: string } {
  const slash = name.indexOf('/');
  if (slash < 0) return { registry: defaultRegistry, remainder: officialPrefix + name };
  const first = name.slice(0, slash);
  const isRegistry = first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first;
  const registry = !isRegistry || first === legacyDefaultRegistry ? defaultRegistry : first;
  const remainder = isRegistry ? name.slice(slash + 1) : name;
  const isOfficial = registry === defaultRegistry && !remainder.includes('/');
  return { registry, remainder: isOfficial ? officialPrefix + remainder : remainder };
}

/** What is wrong with a repository's path, or undefined; messages quote it as it was written. */
function repositoryProblem(path: string, written: string): string | undefined {
  if (path === '' || path === officialPrefix)
    return 'the repository is missing; write registry/repository:tag';
  if (path.length > maxRepositoryLength) {
    return `the repository is longer than ${maxRepositoryLength} characters`;
  }
  if (repositoryPattern.test(path)) return undefined;
  if (repositoryPattern.test(path.toLowerCase())) {
    return `the repository ${quote(written)} must be lower case; did you mean ${quote(written.toLowerCase())}?`;
  }
  return `the repository ${quote(written)} is not lower-case letters and digits, joined by one of . _ __ - and /`;
}

function suffix(ref: Reference): string {
  return (ref.tag === undefined ? '' : `:${ref.tag}`) + (ref.digest === undefined ? '' : `@${ref.digest}`);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
