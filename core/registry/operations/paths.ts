import { type Digest, isDigest } from '../../oci/digest.ts';
import { isRepository, isTag } from '../../oci/reference.ts';

/**
 * The base of a registry's API as a URL. Throws a TypeError if it is not valid: another scheme, a
 * user, a query.
 *
 * @param endpoint `https://registry-1.docker.io`; a path before `/v2/` is kept
 */
export function parseEndpoint(endpoint: string): URL {
  const url = URL.parse(endpoint);
  const fine =
    url &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === '';
  if (fine) return url;
  throw new TypeError(
    'endpoint: must be a URL like https://registry.example.com, without user, password or query',
  );
}

/** `/v2/` itself. */
export function apiUrl(endpoint: URL): URL {
  return new URL(`${endpoint.pathname.replace(/\/+$/, '')}/v2/`, endpoint);
}

/**
 * A URL below `/v2/<repository>/`. Throws a TypeError if the repository is not valid, so that
 * nothing else gets into the path.
 *
 * @param rest what follows, already free of special characters
 */
export function repositoryUrl(endpoint: URL, repository: string, rest: string): URL {
  if (!isRepository(repository)) {
    throw new TypeError(
      `repository: ${JSON.stringify(repository)} is not a repository name like library/nginx`,
    );
  }
  return new URL(`${repository}/${rest}`, apiUrl(endpoint));
}

/** A manifest's URL. Throws a TypeError if the reference is neither a tag nor a digest. */
export function manifestUrl(endpoint: URL, repository: string, reference: string): URL {
  if (!isTag(reference) && !isDigest(reference)) {
    throw new TypeError(`reference: ${JSON.stringify(reference)} is neither a tag nor a digest`);
  }
  return repositoryUrl(endpoint, repository, `manifests/${reference}`);
}

/**
 * A URL that ends in a digest: `blobs/<digest>`, `referrers/<digest>`. Throws a TypeError if it is
 * not a digest.
 */
export function digestUrl(
  endpoint: URL,
  repository: string,
  kind: 'blobs' | 'referrers',
  digest: Digest,
): URL {
  if (!isDigest(digest))
    throw new TypeError(`digest: ${JSON.stringify(digest)} is not a digest like sha256:…`);
  return repositoryUrl(endpoint, repository, `${kind}/${digest}`);
}
