import type { Descriptor } from '../../oci/descriptor.ts';
import { type Digest, digestAlgorithm } from '../../oci/digest.ts';
import type { Manifest } from '../../oci/manifest.ts';
import { isIndexType, mediaTypes } from '../../oci/media-types.ts';
import { readErrorBody } from '../error-body.ts';
import { RegistryError } from '../errors.ts';
import type { CallOptions, Exchange } from '../exchange.ts';
import { maxErrorBytes } from '../failures.ts';
import { readBeginning } from '../transport/body.ts';
import { contentType } from './headers.ts';
import { nextPage } from './lists/pages.ts';
import { getManifest, readManifest } from './manifests.ts';
import { digestUrl } from './paths.ts';

/** The most pages of one image's referrers. */
const maxPages = 100;
/** Longer lists are cut off: they are not plausible for one image, and would fill the memory. */
export const maxListedReferrers = 1_000;

/**
 * How a registry says that it has no referrers API: 404 by the specification, and other answers to
 * an unknown path.
 */
const notOffered = [400, 404, 405, 406, 501];
/** Error codes that concern the image or the repository, not the API. */
const unknownContent: ReadonlySet<string> = new Set(['MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'NAME_INVALID']);

/**
 * The manifests that refer to a manifest as their `subject`: signatures, SBOMs, attestations
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers).
 * Without that API, the tag that clients maintain instead (`sha256-<hex>`) is read; without either,
 * there are none. A registry that has shown that it has no such API is not asked again. At most
 * {@link maxListedReferrers} are returned.
 */
export async function listReferrers(
  exchange: Exchange,
  repository: string,
  digest: Digest,
  options: CallOptions = {},
): Promise<Descriptor[]> {
  const ask = () => referrersFromApi(exchange, repository, digest, options);
  const listed = await exchange.refused.firstAlone('referrers', ask, options.signal);
  return listed ?? (await referrersFromTag(exchange, repository, digest, options));
}

/**
 * Undefined if the registry does not offer the API. It is then not asked again, unless it only
 * lacks the repository or the image.
 */
async function referrersFromApi(
  exchange: Exchange,
  repository: string,
  digest: Digest,
  { signal }: CallOptions,
): Promise<Descriptor[] | undefined> {
  const call = { operation: 'list referrers of', repository, reference: digest };
  const seen = new Set<string>();
  const found: Descriptor[] = [];
  let url: URL | undefined = digestUrl(exchange.endpoint, repository, 'referrers', digest);
  while (url) {
    const first = seen.size === 0;
    seen.add(url.href);
    const page: { index: Manifest; next: URL | undefined } | undefined = await exchange.perform(
      {
        ...call,
        method: 'GET',
        url,
        scopes: [exchange.readScope(repository)],
        headers: { accept: mediaTypes.ociIndex, 'accept-encoding': 'identity' },
        expect: first ? [200, ...notOffered] : [200],
        unknownCode: 'MANIFEST_UNKNOWN',
        retry: true,
        work: 'fetch',
        signal,
      },
      async (answer) => {
        // A registry that answers every path with its own page has no API either.
        if (answer.status !== 200 || (first && !isIndexType(contentType(answer) ?? ''))) {
          const { code = '' } = readErrorBody(await readBeginning(answer.body, maxErrorBytes));
          if (!unknownContent.has(code)) exchange.refused.add('referrers');
          return undefined;
        }
        const index = await readManifest(answer, exchange.context(call));
        return { index, next: nextPage(exchange, call, answer, seen) };
      },
    );
    if (!page) return undefined;
    if (page.index.kind === 'index')
      found.push(...page.index.manifests.slice(0, maxListedReferrers - found.length));
    if (found.length >= maxListedReferrers) return found;
    if (seen.size >= maxPages && page.next) {
      const reason = `the list has more than ${maxPages} pages`;
      throw new RegistryError(exchange.context(call), { code: 'ANSWER_TOO_LARGE', reason });
    }
    url = page.next;
  }
  return found;
}

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema */
async function referrersFromTag(
  exchange: Exchange,
  repository: string,
  digest: Digest,
  options: CallOptions,
): Promise<Descriptor[]> {
  try {
    const manifest = await getManifest(exchange, repository, referrersTag(digest), options);
    return manifest.kind === 'index' ? manifest.manifests : [];
  } catch (error) {
    if (error instanceof RegistryError && error.status === 404) return [];
    throw error;
  }
}

/** The tag that holds an image's referrers; algorithm and hash are cut to 32 and 64 characters. */
export function referrersTag(digest: Digest): string {
  const hash = digest.slice(digest.indexOf(':') + 1);
  return `${digestAlgorithm(digest)}-${hash.slice(0, 64)}`;
}
