import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mirrorRepository } from '../../../core/policy/mirror-repository.ts';
import { configOf } from '../mirror-yaml/config-text.ts';

const config = configOf('version: 1\nmirror: { regions: [eu-west-1] }');
const name = (registry: string, repository: string) => mirrorRepository(config, registry, repository);

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html */
const ecrGrammar = /^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$/;

describe('mirrorRepository', () => {
  it.each([
    ['docker.io', 'library/nginx', 'mirror/docker.io/library/nginx'],
    ['127.0.0.1:5000', 'acme/api', 'mirror/127.0.0.1_5000/acme/api'],
    ['localhost', 'a', 'mirror/localhost/a'],
  ])('names %s/%s %s', (registry, repository, mirror) => expect(name(registry, repository)).toBe(mirror));

  it.each([
    ['docker.io', 'acme/a__b', /^mirror\/docker\.io\/acme\/a_b\.[0-9a-f]{10}$/],
    ['docker.io', 'acme/a--b---c', /^mirror\/docker\.io\/acme\/a-b-c\.[0-9a-f]{10}$/],
    ['[::1]:5000', 'acme/api', /^mirror\/1-5000\/acme\/api\.[0-9a-f]{10}$/],
    ['docker.io', `acme/${'x'.repeat(250)}`, /^mirror\/docker\.io\/acme\/x{200,}\.[0-9a-f]{10}$/],
    ['docker.io', 'acme/api.0123456789', /^mirror\/docker\.io\/acme\/api\.0123456789\.[0-9a-f]{10}$/],
    ['host_5000', 'acme/api', /^mirror\/host_5000\/acme\/api\.[0-9a-f]{10}$/],
    ['Ghcr.io', 'acme/api', /^mirror\/ghcr\.io\/acme\/api\.[0-9a-f]{10}$/],
  ])('makes %s/%s legal', (registry, repository, mirror) => {
    expect(name(registry, repository)).toMatch(mirror);
  });

  it('uses the SHA-256 of the original', () => {
    // printf mirror/docker.io/acme/a__b | sha256sum
    expect(name('docker.io', 'acme/a__b')).toBe('mirror/docker.io/acme/a_b.1c1841d7b5');
  });

  it('does not confuse similar names', () => {
    const made = name('docker.io', 'acme/a__b');
    const look = made.slice('mirror/docker.io/'.length);
    expect(name('docker.io', look)).not.toBe(made);
    expect(name('host:5000', 'a')).not.toBe(name('host_5000', 'a'));
    expect(name('host:5000', 'a__b')).not.toBe(name('host_5000', 'a__b'));
  });

  it('is always a name that ECR accepts, within the prefix', () => {
    fc.assert(
      fc.property(registries, repositories, (registry, repository) => {
        const mirror = name(registry, repository);
        expect(mirror).toMatch(ecrGrammar);
        expect(mirror.length).toBeGreaterThanOrEqual(2);
        expect(mirror.length).toBeLessThanOrEqual(256);
        expect(mirror.startsWith('mirror/')).toBe(true);
      }),
    );
  });

  it('is never the same for two names', () => {
    const images = fc.uniqueArray(fc.tuple(registries, repositories), {
      selector: ([registry, repository]) => `${registry}/${repository}`,
      minLength: 2,
      maxLength: 30,
    });
    fc.assert(
      fc.property(images, (all) => {
        const made = all.map(([registry, repository]) => name(registry, repository));
        // A name that was made for one is itself a possible name upstream.
        const again = made
          .map((mirror) => mirror.slice('mirror/'.length))
          .map((path) => {
            const slash = path.indexOf('/');
            return [path.slice(0, slash), path.slice(slash + 1)] as const;
          });
        const known = new Set(all.map((image) => image.join('/')));
        const others = again.filter((image) => image[0] !== '' && !known.has(image.join('/')));
        const distinct = new Set(others.map((image) => image.join('/')));
        const names = [...made, ...[...distinct].map((path) => name(...split(path)))];
        expect(new Set(names).size).toBe(names.length);
      }),
    );
  });

  it('stays below the prefix of the configuration', () => {
    const other = configOf('version: 1\nmirror: { regions: [eu-west-1], repositoryPrefix: team/images }');
    expect(mirrorRepository(other, 'ghcr.io', 'acme/api')).toBe('team/images/ghcr.io/acme/api');
    expect(mirrorRepository(other, 'ghcr.io', 'acme/a__b')).toMatch(/^team\/images\/ghcr\.io\/acme\/a_b\./);
  });
});

function split(path: string): [string, string] {
  const slash = path.indexOf('/');
  return [path.slice(0, slash), path.slice(slash + 1)];
}

const part = fc.constantFrom(
  'a',
  'b',
  '1',
  'a-b',
  'a--b',
  'a_b',
  'a__b',
  'a.b',
  'a.0123456789',
  'x'.repeat(120),
);
const repositories = fc
  .array(part, { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'))
  .filter((path) => path.length <= 255);
const registries = fc.constantFrom(
  'docker.io',
  'host:5000',
  'host_5000',
  'h-o',
  'HOST',
  '[::1]',
  '[::1]:5000',
  '[1::]',
);
