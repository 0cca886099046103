import type { CallOptions, ImageSource } from '../copy/ports.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, digestAlgorithm } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import { plainText } from '../oci/plain-text.ts';
import { RegistryError } from '../registry/errors.ts';
import { type Candidate, claimFormat, isBundleType } from './claims/claim.ts';
import { readLayer } from './read-layer.ts';

/** What is looked for. */
export interface Search {
  signatures: boolean;
  attestations: boolean;
  /** Whether a bundle can matter whose manifest says that its statement is of this type. */
  matters(predicateType: string): boolean;
}

/** A layer that may hold a claim, or why it is not read. */
export type Found = { manifest: Digest; candidate: Candidate } | { manifest: Digest; refused: string };

/** More manifests of signatures are not read for one image, nor more layers of all of them. */
const maxManifests = 100;
const maxLayers = 200;
/** A larger signature or attestation is not read. Those of SBOMs have megabytes. */
const maxLayerBytes = 16 * 1024 * 1024;
/** All of them together, so that an image can't keep a function busy until its end. */
const maxTotalBytes = 128 * 1024 * 1024;

/** https://github.com/sigstore/cosign/blob/main/pkg/oci/remote/write.go */
const cosignArtifact = /^application\/vnd\.dev\.cosign\.artifact\.(sig|att)\.v1\+json$/;

const predicateAnnotation = 'dev.sigstore.bundle.predicateType';

/**
 * Reads, one after the other, the layers in which signatures of an image may stand: what cosign
 * keeps under tags derived from the digest, and what the registry lists as referrers of the image.
 * Each manifest is read by its digest. Ends with the caller's interest.
 *
 * @throws RegistryError if the registry does not answer; what it no longer has is left out
 */
export async function* findCandidates(
  source: ImageSource,
  digest: Digest,
  search: Search,
  options: CallOptions,
): AsyncGenerator<Found> {
  const budget = { layers: maxLayers, bytes: maxTotalBytes };
  const seen = new Set<Digest>();
  for await (const place of places(source, digest, search, options)) {
    if (seen.has(place)) continue;
    if (seen.size === maxManifests) {
      yield {
        manifest: place,
        refused: `only the first ${maxManifests} manifests of signatures are read; remove old ones`,
      };
      return;
    }
    seen.add(place);
    const manifest = await ifThere(source.manifest(place, options));
    if (manifest === undefined) continue;
    for (const layer of layersOf(manifest, search)) {
      const format = claimFormat(layer.mediaType);
      if (format === undefined) continue;
      if (budget.layers-- === 0) {
        yield {
          manifest: place,
          refused: `only the newest ${maxLayers} signatures are read; remove old ones`,
        };
        return;
      }
      const largest = Math.min(maxLayerBytes, budget.bytes);
      if (layer.size > largest) {
        yield { manifest: place, refused: `it has ${layer.size} bytes, and at most ${largest} are read` };
        continue;
      }
      budget.bytes -= layer.size;
      const bytes = await ifThere(readLayer(source, layer, options));
      if (bytes === undefined) continue;
      const annotations = layer.annotations ?? {};
      yield { manifest: place, candidate: { manifest: place, format, bytes, annotations } };
    }
  }
}

/**
 * What a registry serves; undefined if it no longer has it. Lists name what was deleted for a
 * while. What is not there does not count, and it says nothing about the image.
 */
async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof RegistryError && error.status === 404) return undefined;
    throw error;
  }
}

/** Manifests that may hold signatures, tags first: they cost no list. */
async function* places(source: ImageSource, digest: Digest, search: Search, options: CallOptions) {
  for (const tag of tagsOf(digest, search)) {
    const found = await tagDigest(source, tag, options);
    if (found !== undefined) yield found;
  }
  for (const referrer of (await source.referrers?.(digest, options)) ?? [])
    if (mayHold(referrer, search)) yield referrer.digest;
}

/** Cosign's tags; none for sha512, whose digits are too many for a tag. */
function tagsOf(digest: Digest, { signatures, attestations }: Search): string[] {
  if (digestAlgorithm(digest) !== 'sha256') return [];
  const base = digest.replace(':', '-');
  return [...(signatures ? [`${base}.sig`] : []), ...(attestations ? [`${base}.att`] : [])];
}

async function tagDigest(
  source: ImageSource,
  tag: string,
  options: CallOptions,
): Promise<Digest | undefined> {
  if (source.tagDigest === undefined) throw new TypeError(`${source.name} can’t tell what a tag points to`);
  return await source.tagDigest(tag, options);
}

function mayHold({ artifactType, annotations }: Descriptor, search: Search): boolean {
  // A registry may leave the type out of its list: the manifest tells.
  if (artifactType === undefined || artifactType === '') return true;
  if (isBundleType(artifactType)) return mattersAt(annotations, search);
  const [, kind] = cosignArtifact.exec(artifactType) ?? [];
  return kind === 'sig' ? search.signatures : kind === 'att' && search.attestations;
}

/** The newest layers come first: cosign appends. */
function layersOf(manifest: Manifest, search: Search): Descriptor[] {
  if (manifest.kind !== 'image' || !mattersAt(manifest.annotations, search)) return [];
  return manifest.layers.toReversed();
}

function mattersAt(annotations: Record<string, string> | undefined, search: Search): boolean {
  const told = annotations?.[predicateAnnotation];
  return told === undefined || search.matters(plainText(told, 2_000));
}
