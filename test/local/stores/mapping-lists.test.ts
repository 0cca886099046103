import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookupImage, resolveImages } from '../../../core/mapping/lookup.ts';
import type { ImageKey } from '../../../core/mapping/record.ts';
import { InvalidCursorError, type MappingQuery } from '../../../core/mapping/store.ts';
import { keyOf, type LocalStores, mappingOf, resolveOf, startStores } from '../../support/local-stores.ts';

describe('lists of mappings on DynamoDB', () => {
  let stores: LocalStores;
  const published = [
    ...Array.from({ length: 35 }, (_, i) => keyOf(`v${String(i).padStart(3, '0')}`)),
    keyOf('1.0', 'library/httpd'),
    keyOf('latest', 'acme/app', 'ghcr.io'),
    keyOf('latest', 'acme/app', 'ghcr.io:5000'),
    keyOf('latest', 'acme/app-two', 'ghcr.io'),
    keyOf('UPPER', 'acme/app', 'ghcr.io'),
  ];

  beforeAll(async () => {
    stores = await startStores();
    const { mappings } = stores;
    for (const key of published) {
      const mapping = mappingOf(`${key.registry}/${key.repository}:${key.reference}`);
      await mappings.putDigest({ ...key, reference: mapping.digest }, mapping);
      const lease = await mappings.acquireLease(key, 'job', 30_000);
      if (lease) await mappings.publish(key, lease, mapping, resolveOf(mapping, 1));
    }
    // Events that never led to a mapping.
    await mappings.raiseEvent(keyOf('pending'), 'job');
    await mappings.raiseEvent(keyOf('pending', 'library/never'), 'job');
    await mappings.putRegistryHost('eu-west-1', 'mirror.example');
  });
  afterAll(() => stores.close());

  /** All pages of a list, and how many there were. */
  async function all(query: MappingQuery) {
    const names: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await stores.mappings.list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
      expect(page.mappings.length).toBeLessThanOrEqual(query.limit);
      names.push(...page.mappings.map(({ key }) => `${key.registry}/${key.repository}:${key.reference}`));
      cursor = page.cursor;
      pages += 1;
    } while (cursor !== undefined);
    return { names, pages };
  }
  const nameOf = ({ registry, repository, reference }: ImageKey) => `${registry}/${repository}:${reference}`;

  it.each([1, 7, 39, 40, 41, 1000])('return every mapping once, %i a page', async (limit) => {
    const { names, pages } = await all({ limit });
    expect([...names].sort()).toEqual(published.map(nameOf).sort());
    expect(pages).toBe(Math.ceil(published.length / limit));
  });

  it('are in order: repositories by name, their tags by name, and no digests among them', async () => {
    const { names } = await all({ limit: 1000 });
    expect(names.some((name) => name.includes('sha256'))).toBe(false);
    expect(names[0]).toBe('docker.io/library/httpd:1.0');
    expect(names.slice(1, 36)).toEqual(published.slice(0, 35).map(nameOf));
    expect(names.slice(36)).toEqual([
      'ghcr.io/acme/app:UPPER',
      'ghcr.io/acme/app:latest',
      'ghcr.io/acme/app-two:latest',
      'ghcr.io:5000/acme/app:latest',
    ]);
  });

  it.each([
    [{ registry: 'ghcr.io' }, 3],
    [{ registry: 'ghcr.io:5000' }, 1],
    [{ registry: 'ghcr' }, 0],
    [{ repository: 'acme/app' }, 3],
    [{ repository: 'app' }, 0],
    [{ registry: 'docker.io', repository: 'library/nginx' }, 35],
    [{ registry: 'docker.io', repository: 'library/never' }, 0],
  ])('are limited to %o', async (filter, count) => {
    const { names } = await all({ ...filter, limit: 2 });
    expect(names).toHaveLength(count);
    expect(new Set(names).size).toBe(count);
  });

  it.each([
    ['no base64', '%%%'],
    ['no JSON', Buffer.from('nonsense').toString('base64url')],
    ['another form', Buffer.from('{"repository":"a"}').toString('base64url')],
    ['one part', Buffer.from('["docker.io/library/nginx"]').toString('base64url')],
    ['an empty part', Buffer.from('["","v1"]').toString('base64url')],
    ['a number', Buffer.from('["a",1]').toString('base64url')],
    [
      'a name longer than a key can be',
      Buffer.from(JSON.stringify(['a/b', 'x'.repeat(2_000)])).toString('base64url'),
    ],
    ['nothing', ''],
  ])('refuse a cursor that is %s', async (_, cursor) => {
    await expect(stores.mappings.list({ limit: 10, cursor })).rejects.toBeInstanceOf(InvalidCursorError);
  });

  it('can be read by key, more than a hundred at once, and each once', async () => {
    const missing = Array.from({ length: 90 }, (_, i) => keyOf(`missing-${i}`));
    const found = await stores.mappings.readMany([...published, ...missing, keyOf('pending'), keyOf('v000')]);
    expect(found.map(({ key }) => nameOf(key)).sort()).toEqual(published.map(nameOf).sort());
    expect(found[0]?.revision).toBe(1);
    expect(await stores.mappings.readMany([])).toEqual([]);
  });

  it('answer many references at once, each in the words it came in', async () => {
    const { digest } = mappingOf('docker.io/library/nginx:v001');
    const other = mappingOf('docker.io/library/nginx:v002').digest;
    const inputs = ['nginx:v001', 'docker.io/library/nginx:v001', `nginx:v002@${digest}`, `nginx@${other}`];
    const resolved = await resolveImages(stores.mappings, [
      ...inputs,
      ...inputs,
      'nginx:pending',
      'Not A Reference',
      '__proto__',
    ]);
    expect(Object.keys(resolved.mappings)).toEqual(inputs);
    // The tag says v002, but the digest is what counts.
    expect(resolved.mappings[`nginx:v002@${digest}`]).toMatchObject({
      image: `docker.io/library/nginx@${digest}`,
      mirror: `mirror.example/mirror/docker.io/library/nginx@${digest}`,
    });
    expect(resolved.missing).toEqual(['nginx:pending']);
    expect(resolved.invalid.map(({ image }) => image)).toEqual(['Not A Reference', '__proto__']);
  });

  it('answer for a region whose mirror has the image, and for no other', async () => {
    const key = keyOf('v003');
    expect(await lookupImage(stores.mappings, key, 'eu-west-1')).toMatchObject({
      mirror: 'mirror.example/mirror/docker.io/library/nginx:v003',
    });
    expect(await lookupImage(stores.mappings, key, 'us-east-1')).toBeUndefined();
    expect(await lookupImage(stores.mappings, keyOf('pending'))).toBeUndefined();
  });
});
