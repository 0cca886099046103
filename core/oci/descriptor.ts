import { type Digest, isDigest } from './digest.ts';
import { InvalidManifestError, showValue } from './invalid-manifest-error.ts';
import type { Platform } from './platform.ts';

/**
 * Identifies content by digest, size in bytes and type.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md
 */
export interface Descriptor {
  mediaType: string;
  digest: Digest;
  size: number;
  /** In an index: what the child runs on. */
  platform?: Platform;
  /** Where a foreign layer can be downloaded; kept, but never fetched. */
  urls?: string[];
  annotations?: Record<string, string>;
  artifactType?: string;
  /**
   * The content itself in base64, if the publisher embedded it. Kept as it is, without
   * verification: nothing reads it.
   */
  data?: string;
}

const remedy = 'ask the publisher to push the image again';

/**
 * A media type that is valid in a header: printable ASCII. Parameters, which some artifacts have,
 * are allowed.
 */
const mediaTypePattern = /^[\x21-\x7e][\x20-\x7e]{0,254}$/;

/**
 * Reads a descriptor from parsed JSON; `path` is its place (`layers[3]`), for messages. Only digest
 * and size must be right: a copy depends on them. Everything else may be missing or `null`, which
 * Go's decoder, and so every other client, accepts; a media type is then empty. Unknown fields are
 * left out. Throws `InvalidManifestError`.
 */
export function parseDescriptor(value: unknown, path: string): Descriptor {
  const fields = expectObject(value, path);
  refuseOtherCase(fields, path);
  const { digest, size } = fields;
  if (!isDigest(digest)) {
    throw invalid(`${path}.digest`, digest, 'sha256: or sha512: and its hexadecimal digits in lower case');
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw invalid(`${path}.size`, size, 'a whole number of bytes from 0 to 2^53-1');
  }
  const descriptor: Descriptor = { mediaType: mediaTypeOf(fields, path), digest, size };
  if (isGiven(fields.platform)) {
    refuseOtherCase(Object(fields.platform), `${path}.platform`);
    descriptor.platform = parsePlatformObject(fields.platform, `${path}.platform`);
  }
  if (isGiven(fields.urls)) descriptor.urls = expectStrings(fields.urls, `${path}.urls`);
  const annotations = optionalAnnotations(fields, path);
  if (annotations) descriptor.annotations = annotations;
  const artifactType = optionalString(fields, 'artifactType', path);
  if (artifactType !== undefined) descriptor.artifactType = artifactType;
  const data = optionalString(fields, 'data', path);
  if (data !== undefined) descriptor.data = data;
  return descriptor;
}

/** Fields of manifests, descriptors and platforms. */
const knownFields = new Map(
  [
    ...['schemaVersion', 'mediaType', 'artifactType', 'config', 'layers', 'manifests', 'blobs', 'subject'],
    ...['annotations', 'fsLayers', 'digest', 'size', 'urls', 'data', 'platform'],
    ...['architecture', 'os', 'variant', 'os.version', 'os.features'],
  ].map((name) => [folded(name), name]),
);

/** Go's decoder also takes `ſ` for s, and the Kelvin sign for k. */
function folded(name: string): string {
  return name.toUpperCase().toLowerCase();
}

/**
 * Refuses an object with a field that is a known one but for its case: Go's decoder, and so most
 * clients, would read it as that (https://pkg.go.dev/encoding/json#Unmarshal), and see another
 * image than what was checked here.
 */
export function refuseOtherCase(fields: Record<string, unknown>, path: string): void {
  for (const name of Object.keys(fields)) {
    const meant = knownFields.get(folded(name));
    if (meant === undefined || meant === name) continue;
    throw new InvalidManifestError(
      'MANIFEST_INVALID',
      `${join(path, name)}: some clients would read this as ${meant}, and others leave it out; ${remedy}`,
    );
  }
}

/** Whether an optional field has a value: `null` counts as absent, as in Go. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** The value as a JSON object, neither null nor an array. */
export function expectObject(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(path, value, 'a JSON object');
  }
  return value as Record<string, unknown>;
}

/** A string that may be absent. */
export function optionalString(
  fields: Record<string, unknown>,
  name: string,
  path: string,
): string | undefined {
  const value = fields[name];
  if (!isGiven(value)) return undefined;
  if (typeof value !== 'string') throw invalid(join(path, name), value, 'a string');
  return value;
}

/**
 * The annotations of a manifest or descriptor, if there are any; a value of `null` is an empty
 * string, as in Go.
 */
export function optionalAnnotations(
  fields: Record<string, unknown>,
  path: string,
): Record<string, string> | undefined {
  if (!isGiven(fields.annotations)) return undefined;
  const annotations = expectObject(fields.annotations, join(path, 'annotations'));
  const entries = Object.entries(annotations).map(([key, value]): [string, string] => {
    if (value === null) return [key, ''];
    if (typeof value === 'string') return [key, value];
    throw invalid(`${join(path, 'annotations')}[${showValue(key)}]`, value, 'a string');
  });
  return Object.fromEntries(entries);
}

/** The error for a value of the wrong shape: path, expected value, actual value, remedy. */
export function invalid(path: string, value: unknown, mustBe: string): InvalidManifestError {
  const found = value === undefined ? 'is missing' : `is ${showValue(value)}`;
  return new InvalidManifestError('MANIFEST_INVALID', `${path}: must be ${mustBe}, but ${found}; ${remedy}`);
}

function mediaTypeOf({ mediaType }: Record<string, unknown>, path: string): string {
  if (!isGiven(mediaType) || mediaType === '') return '';
  if (typeof mediaType !== 'string' || !mediaTypePattern.test(mediaType)) {
    throw invalid(join(path, 'mediaType'), mediaType, 'a media type of at most 255 characters');
  }
  return mediaType;
}

function expectStrings(value: unknown, path: string): string[] {
  if (!Array.isArray(value)) throw invalid(path, value, 'an array of strings');
  value.forEach((item: unknown, i) => {
    if (typeof item !== 'string') throw invalid(`${path}[${i}]`, item, 'a string');
  });
  return value as string[];
}

/** Missing fields are empty: builders write `{}` or half a platform for children that can't run. */
function parsePlatformObject(value: unknown, path: string): Platform {
  const fields = expectObject(value, path);
  const platform: Platform = {
    os: optionalString(fields, 'os', path) ?? '',
    architecture: optionalString(fields, 'architecture', path) ?? '',
  };
  const variant = optionalString(fields, 'variant', path);
  if (variant) platform.variant = variant;
  const version = optionalString(fields, 'os.version', path);
  if (version) platform['os.version'] = version;
  if (isGiven(fields['os.features'])) {
    platform['os.features'] = expectStrings(fields['os.features'], `${path}.os.features`);
  }
  return platform;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
