import {
  type Descriptor,
  expectObject,
  invalid,
  isGiven,
  optionalAnnotations,
  optionalString,
  parseDescriptor,
  refuseOtherCase,
} from './descriptor.ts';
import { type Digest, digestAlgorithm, digestOf } from './digest.ts';
import { InvalidManifestError, showValue } from './invalid-manifest-error.ts';
import { isIndexType, isManifestType, isSchema1Type, mediaTypes } from './media-types.ts';

export { type InvalidManifestCode, InvalidManifestError } from './invalid-manifest-error.ts';

/**
 * The largest manifest that is read: what ECR accepts, and what the distribution specification asks
 * registries to accept.
 */
export const maxManifestBytes = 4 * 1024 * 1024;

/** The most layers or children that a manifest may name. */
export const maxDescriptors = 10_000;

/** An OCI or Docker manifest. */
export type Manifest = KnownManifest | OtherManifest;

/** A manifest of one of the four types of `isManifestType`. */
export type KnownManifest = ImageManifest | ImageIndex;

interface ManifestBase {
  mediaType: string;
  digest: Digest;
  /** Exactly as received: a single different byte changes the digest. */
  bytes: Uint8Array;
  /** As the manifest has it; if an artifact names none, its config's media type is its type. */
  artifactType?: string;
  /** The manifest that this one refers to: a signature's image. */
  subject?: Descriptor;
  annotations?: Record<string, string>;
}

/**
 * The manifest of one image or artifact.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md
 */
export interface ImageManifest extends ManifestBase {
  kind: 'image';
  config: Descriptor;
  layers: Descriptor[];
}

/**
 * A manifest of manifests. https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
 */
export interface ImageIndex extends ManifestBase {
  kind: 'index';
  manifests: Descriptor[];
}

/**
 * A manifest of an unknown type. It is only allowed as a child of an index: reading it by itself is
 * an error.
 */
export interface OtherManifest extends ManifestBase {
  kind: 'other';
  /**
   * The blobs that it names, as far as that is clear: descriptors under `config`, `layers` and
   * `blobs`.
   */
  blobs: Descriptor[];
}

/** The blobs that a manifest names; an index names manifests. */
export function blobsOf(manifest: Manifest): Descriptor[] {
  if (manifest.kind === 'index') return [];
  return manifest.kind === 'image' ? [manifest.config, ...manifest.layers] : manifest.blobs;
}

/**
 * Types sent by servers that do not know manifests (static files, object stores): they say nothing
 * about the type.
 */
const genericTypes = ['', 'application/json', 'application/octet-stream', 'text/plain'];

/**
 * Reads a manifest from a registry, which is not trusted.
 *
 * @param bytes the body, kept verbatim
 * @param mediaType the answer's Content-Type (parameters are dropped), or a descriptor's media type
 * @param expected the digest that was requested
 *
 * Throws `InvalidManifestError`: not UTF-8 JSON of the right shape, too large, of a kind that is
 * not copied (schema 1), with a different digest, or readable in two ways (CVE-2021-41190).
 */
export function parseManifest(bytes: Uint8Array, mediaType?: string, expected?: Digest): KnownManifest {
  const manifest = parseAnyManifest(bytes, mediaType, expected);
  if (manifest.kind !== 'other') return manifest;
  throw new InvalidManifestError(
    'MANIFEST_UNSUPPORTED',
    `mediaType: ${showValue(manifest.mediaType)} is not an image manifest or index; ask the publisher to push it as an OCI image`,
  );
}

/** Like {@link parseManifest}, but accepts a manifest of any type, for children of an index. */
export function parseAnyManifest(bytes: Uint8Array, mediaType?: string, expected?: Digest): Manifest {
  const header = (mediaType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  // Before the digest: a signed manifest's digest leaves out its signatures.
  if (isSchema1Type(header)) throw schema1();
  if (bytes.byteLength > maxManifestBytes) {
    throw new InvalidManifestError(
      'MANIFEST_INVALID',
      `it has ${bytes.byteLength} bytes, more than ${maxManifestBytes}; split the image`,
    );
  }
  const digest = digestOf(bytes, expected ? digestAlgorithm(expected) : 'sha256');
  if (expected && digest !== expected) {
    throw new InvalidManifestError(
      'DIGEST_INVALID',
      `its digest is ${digest}, but ${expected} was requested; the registry or something in between changed it, try again`,
    );
  }
  const body = expectObject(parseJson(bytes), 'the manifest');
  refuseOtherCase(body, '');
  const type = typeOf(body, header);
  const base: ManifestBase = { mediaType: type, digest, bytes };
  const artifactType = optionalString(body, 'artifactType', '');
  if (artifactType !== undefined) base.artifactType = artifactType;
  if (isGiven(body.subject)) base.subject = parseDescriptor(body.subject, 'subject');
  const annotations = optionalAnnotations(body, '');
  if (annotations) base.annotations = annotations;
  if (!isManifestType(type)) {
    const manifests = namedManifests(body);
    return manifests
      ? { kind: 'index', ...base, manifests }
      : { kind: 'other', ...base, blobs: namedBlobs(body) };
  }
  if (isIndexType(type)) return { kind: 'index', ...base, manifests: parseDescriptors(body, 'manifests') };
  const config = parseDescriptor(body.config, 'config');
  const layers = parseDescriptors(body, 'layers');
  checkSizesAgree(config, layers);
  return { kind: 'image', ...base, config, layers };
}

const notARegistry = 'check the registry’s address: what answers there may be a web server or a proxy';

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw new InvalidManifestError(
      'MANIFEST_INVALID',
      `it is not JSON in UTF-8 (${bytes.byteLength} bytes)`,
      { cause, remedy: notARegistry },
    );
  }
}

/**
 * The manifest's media type: header and body must agree with each other, and both with the fields
 * present.
 */
function typeOf(body: Record<string, unknown>, header: string): string {
  const { schemaVersion } = body;
  const stated = optionalString(body, 'mediaType', '');
  if (schemaVersion === 1 || (stated !== undefined && isSchema1Type(stated))) throw schema1();
  // Missing, or any number: nothing depends on it.
  if (isGiven(schemaVersion) && typeof schemaVersion !== 'number') {
    throw invalid('schemaVersion', schemaVersion, 'a number');
  }
  const told = genericTypes.includes(header) ? undefined : header;
  if (told !== undefined && stated && told !== stated) {
    throw new InvalidManifestError(
      'MANIFEST_INVALID',
      `mediaType: ${showValue(stated)} in the body, but ${showValue(told)} was announced (Content-Type or descriptor); ` +
        'ask the publisher to push the image again',
    );
  }
  const type = told ?? (stated || undefined) ?? typeByFields(body);
  if (!isManifestType(type)) return type;
  // Some clients would read a document that is both an image and an index as an image, others as an
  // index, under one digest:
  // https://github.com/opencontainers/image-spec/security/advisories/GHSA-77vh-xpmg-72qh
  // (CVE-2021-41190).
  for (const field of isIndexType(type) ? ['config', 'layers', 'fsLayers'] : ['manifests', 'fsLayers']) {
    if (isGiven(body[field])) {
      throw new InvalidManifestError(
        'MANIFEST_INVALID',
        `${field}: has no place in ${type}, so this could be read as something else (CVE-2021-41190); ` +
          'ask the publisher to push the image again',
      );
    }
  }
  return type;
}

/**
 * OCI lets a manifest leave out its own type; Docker does not. So a manifest without a type is
 * OCI's.
 */
function typeByFields(body: Record<string, unknown>): string {
  if (isGiven(body.manifests)) return mediaTypes.ociIndex;
  if (isGiven(body.config)) return mediaTypes.ociManifest;
  throw new InvalidManifestError(
    'MANIFEST_INVALID',
    'mediaType: there is none, and the manifest has neither config nor manifests',
    { remedy: notARegistry },
  );
}

function parseDescriptors(body: Record<string, unknown>, field: string): Descriptor[] {
  const value = body[field];
  // Go writes a list that was never set as null, or leaves it out.
  if (!isGiven(value)) return [];
  if (!Array.isArray(value)) throw invalid(field, value, 'an array of descriptors');
  if (value.length > maxDescriptors) {
    throw new InvalidManifestError(
      'MANIFEST_INVALID',
      `${field}: ${value.length} descriptors are more than ${maxDescriptors}; split the image`,
    );
  }
  return value.map((item: unknown, i) => parseDescriptor(item, `${field}[${i}]`));
}

function namedBlobs(body: Record<string, unknown>): Descriptor[] {
  const lists = ['layers', 'blobs'].flatMap((field) =>
    Array.isArray(body[field]) ? parseDescriptors(body, field) : [],
  );
  return isGiven(body.config) ? [parseDescriptor(body.config, 'config'), ...lists] : lists;
}

/**
 * The manifests that a manifest of an unknown type names: it is then read like an index. Undefined
 * if it names blobs, or neither.
 */
function namedManifests(body: Record<string, unknown>): Descriptor[] | undefined {
  if (!Array.isArray(body.manifests) || isGiven(body.config) || isGiven(body.layers)) return undefined;
  return parseDescriptors(body, 'manifests');
}

/** A blob is copied once, however often it is named, so its size must be the same everywhere. */
function checkSizesAgree(config: Descriptor, layers: Descriptor[]): void {
  const sizes = new Map([[config.digest, config.size]]);
  layers.forEach(({ digest, size }, i) => {
    const first = sizes.get(digest);
    if (first !== undefined && first !== size) {
      throw invalid(`layers[${i}].size`, size, `${first}, as the manifest says elsewhere for ${digest}`);
    }
    sizes.set(digest, size);
  });
}

function schema1(): InvalidManifestError {
  return new InvalidManifestError(
    'MANIFEST_UNSUPPORTED',
    'it is a Docker image manifest of schema 1, which current clients no longer pull; ' +
      'ask the publisher to push it again with a current client',
  );
}
