import { type Digest, digestAlgorithm, digestOf, isDigest } from '../../oci/digest.ts';
import {
  InvalidManifestError,
  type Manifest,
  maxManifestBytes,
  parseAnyManifest,
  parseManifest,
} from '../../oci/manifest.ts';
import { manifestAcceptHeader } from '../../oci/media-types.ts';
import { repositoryScope } from '../auth/scopes.ts';
import { isWebPage } from '../error-body.ts';
import { noRegistry, type OperationContext, RegistryError } from '../errors.ts';
import type { Answer, CallOptions, Exchange } from '../exchange.ts';
import { discard, readBounded } from '../transport/body.ts';
import { contentDigest, contentLength, contentType, expectContentDigest, sameAlgorithm } from './headers.ts';
import { manifestUrl } from './paths.ts';

/** What a HEAD reports about a manifest; fields that the registry leaves out are undefined. */
export interface ManifestHead {
  digest?: Digest;
  /** As the registry reports it, without parameters. */
  mediaType?: string;
  /** In bytes. */
  size?: number;
}

export interface GetManifestOptions extends CallOptions {
  /** The type in the index, which may be unknown here; empty if there is none. */
  mediaType?: string | undefined;
}

/** Its own type first, if there is one. */
function accepted(mediaType: string | undefined): string {
  return mediaType ? `${mediaType}, ${manifestAcceptHeader}` : manifestAcceptHeader;
}

/**
 * Pulls a manifest
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests),
 * verified against the requested digest and the one that the registry reports. A tag's digest is
 * computed from the bytes, and is sha256 even if the registry reports sha512: otherwise, another
 * registry would give the same manifest a different name.
 *
 * Throws a RegistryError: MANIFEST_UNKNOWN, DIGEST_INVALID (naming both), MANIFEST_INVALID,
 * MANIFEST_UNSUPPORTED, ANSWER_TOO_LARGE (above 4 MiB), or what the exchange throws.
 *
 * @param reference a tag or a digest
 */
export async function getManifest(
  exchange: Exchange,
  repository: string,
  reference: string,
  { signal, mediaType }: GetManifestOptions = {},
): Promise<Manifest> {
  const call = { operation: 'get manifest', repository, reference };
  const context = exchange.context(call);
  return await exchange.perform(
    {
      ...call,
      method: 'GET',
      url: manifestUrl(exchange.endpoint, repository, reference),
      scopes: [exchange.readScope(repository)],
      // No content coding: a proxy that compressed it would change the bytes.
      headers: { accept: accepted(mediaType), 'accept-encoding': 'identity' },
      expect: [200],
      unknownCode: 'MANIFEST_UNKNOWN',
      retry: true,
      work: 'fetch',
      signal,
    },
    (answer) =>
      readManifest(answer, context, {
        expected: isDigest(reference) ? reference : undefined,
        types: mediaType === undefined ? 'known' : 'any',
      }),
  );
}

/** How to read a manifest. */
export interface ReadManifestOptions {
  /** The requested digest; undefined for a tag. */
  expected?: Digest | undefined;
  /** Which media types are accepted; default `known`. */
  types?: 'known' | 'any';
}

/** Reads and verifies the manifest of an answer. */
export async function readManifest(
  answer: Answer,
  context: OperationContext,
  { expected, types = 'known' }: ReadManifestOptions = {},
): Promise<Manifest> {
  const told = contentDigest(answer, context);
  const bytes = await readBounded(answer.body, maxManifestBytes);
  // A reported digest of a different algorithm is one more digest to verify.
  if (told !== undefined && (expected === undefined || !sameAlgorithm(told, expected))) {
    const computed = digestOf(bytes, digestAlgorithm(told));
    if (computed !== told) throw mismatch(context, answer, computed, told);
  } else if (told !== undefined && expected !== undefined && told !== expected) {
    throw mismatch(context, answer, told, expected);
  }
  try {
    return (types === 'any' ? parseAnyManifest : parseManifest)(bytes, contentType(answer), expected);
  } catch (error) {
    if (!(error instanceof InvalidManifestError)) throw error;
    const isPage = isWebPage(bytes);
    const remedy = isPage ? noRegistry : error.isExplained ? error.remedy : undefined;
    throw new RegistryError(context, {
      code: error.code,
      status: answer.status,
      // The message quotes values of the manifest.
      reason: answer.away
        ? `the answer of ${answer.url.host} is not an accepted manifest`
        : isPage
          ? 'the answer is a web page, not a manifest'
          : error.message,
      cause: answer.away ? undefined : error,
      ...(remedy !== undefined && { remedy }),
    });
  }
}

function mismatch(
  context: OperationContext,
  { status }: Answer,
  actual: Digest,
  expected: Digest,
): RegistryError {
  const reason = `the digest is ${actual}, but ${expected} was expected`;
  return new RegistryError(context, { code: 'DIGEST_INVALID', status, reason });
}

/**
 * Status codes with which a registry, or a proxy in front of it, refuses HEAD rather than the
 * manifest (https://github.com/containerd/containerd/issues/6684,
 * https://github.com/crossplane/crossplane/issues/3223).
 */
const headRefusals = [400, 403, 405, 406, 415, 501];

/**
 * Asks whether a manifest exists and what it is; undefined if the registry does not know it (404).
 * A tag's digest is left out unless it is sha256, as with `getManifest`. A registry that refuses
 * HEAD is asked with GET.
 */
export async function headManifest(
  exchange: Exchange,
  repository: string,
  reference: string,
  { signal }: CallOptions = {},
): Promise<ManifestHead | undefined> {
  const call = { operation: 'check manifest', repository, reference };
  const context = exchange.context(call);
  if (exchange.refused.has('manifest-head')) return await readHead(exchange, repository, reference, signal);
  const head = await exchange.perform(
    {
      ...call,
      method: 'HEAD',
      url: manifestUrl(exchange.endpoint, repository, reference),
      scopes: [exchange.readScope(repository)],
      headers: { accept: manifestAcceptHeader, 'accept-encoding': 'identity' },
      expect: [200, 404, ...headRefusals],
      unknownCode: 'MANIFEST_UNKNOWN',
      retry: true,
      work: 'fetch',
      signal,
    },
    (answer) => {
      discard(answer.body);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) return 'refused';
      if (isDigest(reference)) expectContentDigest(answer, reference, context);
      const head: ManifestHead = {};
      const digest = contentDigest(answer, context);
      const mediaType = contentType(answer);
      const size = contentLength(answer);
      if (digest !== undefined && (isDigest(reference) || digestAlgorithm(digest) === 'sha256')) {
        head.digest = digest;
      }
      if (mediaType !== undefined) head.mediaType = mediaType;
      if (size !== undefined) head.size = size;
      return head;
    },
  );
  if (head !== 'refused') return head;
  const read = await readHead(exchange, repository, reference, signal);
  exchange.refused.add('manifest-head');
  return read;
}

/** What a HEAD would return, read with GET. */
async function readHead(
  exchange: Exchange,
  repository: string,
  reference: string,
  signal: AbortSignal | undefined,
): Promise<ManifestHead | undefined> {
  try {
    const { digest, mediaType, bytes } = await getManifest(exchange, repository, reference, { signal });
    return { digest, mediaType, size: bytes.byteLength };
  } catch (error) {
    if (error instanceof RegistryError && error.status === 404) return undefined;
    throw error;
  }
}

/**
 * ECR accepts 10 PutImage calls per second for a whole account, so a burst of images gets 429 again
 * and again. Four retries in a row do not help then:
 * https://github.com/containerd/containerd/issues/10447,
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
 */
const putPatience = 4;

/**
 * Pushes a manifest
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests), byte
 * by byte as given. Everything that it refers to must already be there. Pushing it again is
 * harmless, so it is retried, and for longer after too many requests.
 *
 * Throws a RegistryError: DIGEST_INVALID if the registry says that it stored something else,
 * MANIFEST_BLOB_UNKNOWN, MANIFEST_INVALID, TAG_INVALID (ECR: the tag is immutable) and other codes
 * as the registry reports them.
 */
export async function putManifest(
  exchange: Exchange,
  repository: string,
  reference: string,
  manifest: { bytes: Uint8Array; mediaType: string; digest: Digest },
  { signal }: CallOptions = {},
): Promise<void> {
  const call = { operation: 'put manifest', repository, reference };
  const context = exchange.context(call);
  await exchange.perform(
    {
      ...call,
      method: 'PUT',
      url: manifestUrl(exchange.endpoint, repository, reference),
      scopes: [repositoryScope(repository, 'pull', 'push')],
      headers: { 'content-type': manifest.mediaType },
      body: manifest.bytes,
      // 201 by the specification; some registries answer 200 or 202.
      expect: [200, 201, 202],
      unknownCode: 'NAME_UNKNOWN',
      retry: true,
      patience: putPatience,
      work: 'finish',
      signal,
    },
    (answer) => {
      discard(answer.body);
      expectContentDigest(answer, manifest.digest, context);
    },
  );
}
