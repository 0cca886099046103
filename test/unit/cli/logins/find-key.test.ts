import { describe, expect, it } from 'vitest';
import { findKey, helperKeys } from '../../../../cli/logins/find-key.ts';

const hub = { registry: 'docker.io', repository: 'library/nginx' };
const quay = { registry: 'quay.io', repository: 'acme/shop' };

describe('findKey', () => {
  it.each([
    'https://index.docker.io/v1/',
    'index.docker.io',
    'docker.io',
    'registry-1.docker.io',
    'Docker.IO',
  ])('takes %s for Docker Hub', (key) => expect(findKey(['ghcr.io', key], hub, 'host')).toBe(key));

  it.each(['quay.io', 'https://quay.io', 'http://quay.io/', 'https://quay.io/v2/', 'QUAY.io/v1'])(
    'takes %s for the registry',
    (key) => expect(findKey([key, 'https://index.docker.io/v1/'], quay, 'below')).toBe(key),
  );

  it.each(['quay.io:443', 'a.quay.io', 'quay.io.evil.example', 'evil.example/quay.io', ''])(
    'takes %j for another registry',
    (key) => expect(findKey([key], quay, 'host')).toBeUndefined(),
  );

  it('prefers the longest path that contains the repository', () => {
    const keys = ['quay.io', 'quay.io/acme', 'quay.io/acme/shop', 'quay.io/acme/sho', 'quay.io/other'];
    expect(findKey(keys, quay, 'below')).toBe('quay.io/acme/shop');
    expect(findKey(keys, { ...quay, repository: 'acme/blog' }, 'below')).toBe('quay.io/acme');
    expect(findKey(keys, { ...quay, repository: 'acme-2/blog' }, 'below')).toBe('quay.io');
  });

  it('takes another path for the host only in Docker’s file, and after the host alone', () => {
    expect(findKey(['quay.io/other'], quay, 'below')).toBeUndefined();
    expect(findKey(['quay.io/other'], quay, 'host')).toBe('quay.io/other');
    expect(findKey(['quay.io/other', 'quay.io'], quay, 'host')).toBe('quay.io');
  });
});

describe('helperKeys', () => {
  it('begins with the key that docker login writes', () => {
    expect(helperKeys('docker.io')).toEqual(['https://index.docker.io/v1/', 'docker.io']);
    expect(helperKeys('ghcr.io')).toEqual(['ghcr.io', 'https://ghcr.io']);
  });
});
