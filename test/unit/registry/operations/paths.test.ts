import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../../core/oci/digest.ts';
import {
  apiUrl,
  digestUrl,
  manifestUrl,
  parseEndpoint,
  repositoryUrl,
} from '../../../../core/registry/operations/paths.ts';

const endpoint = parseEndpoint('https://r.example');

describe('URLs', () => {
  it.each([
    ['https://r.example', 'https://r.example/v2/'],
    ['https://r.example/', 'https://r.example/v2/'],
    ['http://127.0.0.1:5000', 'http://127.0.0.1:5000/v2/'],
    ['https://r.example/proxy/', 'https://r.example/proxy/v2/'],
  ])('of %s begin with %s', (text, base) => expect(apiUrl(parseEndpoint(text)).href).toBe(base));

  it.each([
    'r.example',
    'ftp://r.example',
    'https://user@r.example',
    'https://:x@r.example',
    'https://r.example/?x',
    '',
  ])('are not made of the endpoint %j', (text) =>
    expect(() => parseEndpoint(text)).toThrow(/^endpoint: must be a URL/),
  );

  it('are made of repository and tag or digest', () => {
    const digest: Digest = `sha256:${'a'.repeat(64)}`;
    expect(manifestUrl(endpoint, 'library/nginx', '1.27').pathname).toBe('/v2/library/nginx/manifests/1.27');
    expect(manifestUrl(endpoint, 'a', digest).pathname).toBe(`/v2/a/manifests/${digest}`);
    expect(digestUrl(endpoint, 'a', 'blobs', digest).pathname).toBe(`/v2/a/blobs/${digest}`);
  });

  it.each(['../etc', 'a/../b', 'UPPER', 'a?b', '', 'a//b', '/a'])(
    'are not made of the repository %j',
    (repository) => {
      expect(() => repositoryUrl(endpoint, repository, 'tags/list')).toThrow(/^repository: /);
    },
  );

  it.each(['../x', 'a/b', 'a?b=c', '', 'sha256:short', '-tag'])(
    'are not made of the reference %j',
    (reference) => {
      expect(() => manifestUrl(endpoint, 'a', reference)).toThrow(/^reference: /);
      expect(() => digestUrl(endpoint, 'a', 'blobs', reference as Digest)).toThrow(/^digest: /);
    },
  );
});
