import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { pushBlob, pushImage, pushManifest, seededImage, seededIndex } from '../../support/seeded-image.ts';
import { errorsOf, runRegistry } from './ecr-fixture.ts';

const image = seededImage({ seed: 'image', layers: [{ size: 100 }, { size: 3000 }], mediaTypes: 'docker' });
const blob = Buffer.from('0123456789');
const digest = digestOf(blob);

/** A plain registry that anybody may push to. */
async function runPlain() {
  const registry = await runRegistry({ flavour: 'distribution' });
  const v2 = (path: string, init?: RequestInit) => fetch(`${registry.endpoint}/v2/${path}`, init);
  const begin = async (query = '') => {
    const post = await v2(`a/b/blobs/uploads/${query}`, { method: 'POST' });
    return { post, url: new URL(post.headers.get('location') ?? '', post.url) };
  };
  return { registry, v2, begin };
}

describe('a plain registry: uploads', () => {
  it('creates the repository on the first push and keeps the query of the upload address', async () => {
    const { registry, begin } = await runPlain();
    const { post, url } = await begin();
    expect(post.status).toBe(202);
    expect(post.headers.get('location')).toMatch(/^\/v2\/a\/b\/blobs\/uploads\/[\w-]+\?_state=\w+$/);
    url.searchParams.set('digest', digest);
    const put = await fetch(url, { method: 'PUT', body: blob });
    expect(put.status).toBe(201);
    expect(registry.hasBlob('a/b', digest)).toBe(true);
  });

  it('accepts chunks with 202, reports how far it is, and names the right place in a 416', async () => {
    const { begin } = await runPlain();
    const { url } = await begin();
    const patch = (first: number, last: number) =>
      fetch(url, {
        method: 'PATCH',
        headers: { 'content-range': `${first}-${last}` },
        body: blob.subarray(first, last + 1),
      });
    const first = await patch(0, 3);
    expect([first.status, first.headers.get('range')]).toEqual([202, '0-3']);
    const wrong = await patch(5, 9);
    expect([wrong.status, wrong.headers.get('range')]).toEqual([416, '0-3']);
    const second = await patch(4, 7);
    expect([second.status, second.headers.get('range')]).toEqual([202, '0-7']);
    const status = await fetch(url);
    expect([status.status, status.headers.get('range')]).toEqual([204, '0-7']);
    url.searchParams.set('digest', digest);
    expect((await fetch(url, { method: 'PUT', body: blob.subarray(8) })).status).toBe(201);
  });

  it('keeps what arrived before a connection broke', async () => {
    const { registry, begin } = await runPlain();
    const { url } = await begin();
    registry.faults.add({ match: { method: 'PATCH', times: 1 }, action: { kind: 'cut', afterBytes: 4 } });
    await expect(fetch(url, { method: 'PATCH', body: blob })).rejects.toThrow();
    const status = await fetch(url);
    expect(status.headers.get('range')).toBe('0-3');
    url.searchParams.set('digest', digest);
    expect((await fetch(url, { method: 'PUT', body: blob.subarray(4) })).status).toBe(201);
  });

  it('drops an upload on DELETE', async () => {
    const { begin } = await runPlain();
    const { url } = await begin();
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(204);
    const after = await fetch(url);
    expect(after.status).toBe(404);
    expect(await errorsOf(after)).toMatchObject([{ code: 'BLOB_UPLOAD_UNKNOWN' }]);
  });

  it('refuses a blob with another digest, and one without a digest', async () => {
    const { begin } = await runPlain();
    const { url } = await begin();
    expect((await fetch(`${url}&digest=sha256:x`, { method: 'PUT', body: blob })).status).toBe(400);
    const put = await fetch(`${url}&digest=${digestOf(Buffer.from('x'))}`, { method: 'PUT', body: blob });
    expect(put.status).toBe(400);
    expect(await errorsOf(put)).toMatchObject([{ code: 'DIGEST_INVALID' }]);
  });

  it('accepts sha512 blobs and empty blobs', async () => {
    const { registry } = await runPlain();
    for (const [digest, bytes] of [
      [digestOf(blob, 'sha512'), blob],
      [digestOf(new Uint8Array()), new Uint8Array()],
    ] as const) {
      await pushBlob(registry.endpoint, 'a/b', digest, bytes);
      const get = await fetch(`${registry.endpoint}/v2/a/b/blobs/${digest}`);
      expect(Buffer.from(await get.arrayBuffer()).equals(bytes)).toBe(true);
    }
  });

  it('mounts what any repository has at once, and otherwise starts an upload', async () => {
    const { registry, begin } = await runPlain();
    await pushBlob(registry.endpoint, 'source', digest, blob);
    expect((await begin(`?mount=${digest}&from=other`)).post.status).toBe(202);
    const { post } = await begin(`?mount=${digest}&from=source`);
    expect([post.status, post.headers.get('location')]).toEqual([201, `/v2/a/b/blobs/${digest}`]);
    expect(registry.hasBlob('a/b', digest)).toBe(true);
    const anonymous = await fetch(`${registry.endpoint}/v2/c/blobs/uploads/?mount=${digest}`, {
      method: 'POST',
    });
    expect(anonymous.status).toBe(201);
  });
});

describe('a plain registry: pulls', () => {
  it('serves whole blobs and ranges of them', async () => {
    const { registry, v2 } = await runPlain();
    await pushBlob(registry.endpoint, 'a/b', digest, blob);
    const get = async (range?: string) => {
      const answer = await v2(`a/b/blobs/${digest}`, range === undefined ? {} : { headers: { range } });
      return { status: answer.status, range: answer.headers.get('content-range'), body: await answer.text() };
    };
    expect(await get()).toEqual({ status: 200, range: null, body: '0123456789' });
    expect(await get('bytes=2-4')).toEqual({ status: 206, range: 'bytes 2-4/10', body: '234' });
    expect(await get('bytes=7-')).toEqual({ status: 206, range: 'bytes 7-9/10', body: '789' });
    expect(await get('bytes=-2')).toEqual({ status: 206, range: 'bytes 8-9/10', body: '89' });
    expect(await get('bytes=8-99')).toEqual({ status: 206, range: 'bytes 8-9/10', body: '89' });
    expect(await get('bytes=10-')).toMatchObject({ status: 416, range: 'bytes */10' });
    expect((await get('bytes=0-1,4-5')).status).toBe(200);
  });

  it('refuses manifests whose blobs or children are missing', async () => {
    const { v2 } = await runPlain();
    const index = seededIndex({ seed: 'index', layers: [{ size: 100 }] });
    for (const { bytes, mediaType } of [image.manifest, index.manifest]) {
      const put = await v2('a/b/manifests/v1', {
        method: 'PUT',
        headers: { 'content-type': mediaType },
        body: Buffer.from(bytes),
      });
      expect(put.status).toBe(400);
      expect(await errorsOf(put)).toMatchObject([{ code: 'MANIFEST_BLOB_UNKNOWN' }]);
    }
  });

  it('refuses what is not a manifest', async () => {
    const { v2 } = await runPlain();
    const put = await v2('a/b/manifests/v1', { method: 'PUT', body: '{"schemaVersion": 3}' });
    expect(put.status).toBe(400);
    expect(await errorsOf(put)).toMatchObject([{ code: 'MANIFEST_INVALID' }]);
    const large = await v2('a/b/manifests/v1', { method: 'PUT', body: ' '.repeat(4 * 1024 * 1024 + 1) });
    expect(large.status).toBe(413);
  });

  it('paginates tags with Link', async () => {
    const { registry, v2 } = await runPlain();
    await pushImage(registry.endpoint, 'a/b', undefined, image);
    for (const tag of ['c', 'a', 'e', 'b', 'd'])
      await pushManifest(registry.endpoint, 'a/b', tag, image.manifest);
    expect(await (await v2('a/b/tags/list')).json()).toEqual({
      name: 'a/b',
      tags: ['a', 'b', 'c', 'd', 'e'],
    });
    const pages: string[][] = [];
    let path: string | undefined = 'a/b/tags/list?n=2';
    while (path !== undefined) {
      const page: Response = await v2(path);
      pages.push(((await page.json()) as { tags: string[] }).tags);
      path = /^<\/v2\/([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(pages).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('lists and filters referrers, and confirms them when they are pushed', async () => {
    const { registry, v2 } = await runPlain();
    await pushImage(registry.endpoint, 'a/b', 'v1', image);
    const referrer = (artifactType: string) =>
      seededImage({ seed: artifactType, layers: [{ size: 60 }], subject: image.manifest, artifactType });
    const [sbom, signature] = [
      referrer('application/spdx+json'),
      referrer('application/vnd.example.signature'),
    ];
    await pushImage(registry.endpoint, 'a/b', undefined, sbom);
    await pushImage(registry.endpoint, 'a/b', undefined, signature);
    const put = await v2(`a/b/manifests/${sbom.manifest.digest}`, {
      method: 'PUT',
      headers: { 'content-type': sbom.manifest.mediaType },
      body: Buffer.from(sbom.manifest.bytes),
    });
    expect(put.headers.get('oci-subject')).toBe(image.manifest.digest);
    const list = async (query = '') => {
      const answer = await v2(`a/b/referrers/${image.manifest.digest}${query}`);
      expect(answer.headers.get('content-type')).toBe('application/vnd.oci.image.index.v1+json');
      const { manifests } = (await answer.json()) as {
        manifests: { digest: string; artifactType: string }[];
      };
      return manifests.map(({ digest, artifactType }) => [digest, artifactType]);
    };
    expect(new Map((await list()) as [string, string][])).toEqual(
      new Map([
        [sbom.manifest.digest, 'application/spdx+json'],
        [signature.manifest.digest, 'application/vnd.example.signature'],
      ]),
    );
    expect(await list('?artifactType=application/spdx%2Bjson')).toEqual([
      [sbom.manifest.digest, 'application/spdx+json'],
    ]);
  });

  it('deletes tags, manifests and blobs', async () => {
    const { registry, v2 } = await runPlain();
    await pushImage(registry.endpoint, 'a/b', 'v1', image);
    await pushManifest(registry.endpoint, 'a/b', 'v2', image.manifest);
    const remove = async (path: string) => (await v2(`a/b/${path}`, { method: 'DELETE' })).status;
    expect(await remove('manifests/v1')).toBe(202);
    expect(registry.tags('a/b')).toEqual(['v2']);
    expect(await remove(`manifests/${image.manifest.digest}`)).toBe(202);
    expect(registry.tags('a/b')).toEqual([]);
    expect((await v2('a/b/manifests/v2')).status).toBe(404);
    expect(await remove(`blobs/${image.config.digest}`)).toBe(202);
    expect((await v2(`a/b/blobs/${image.config.digest}`)).status).toBe(404);
  });

  it('answers requests with names that no repository can have', async () => {
    const { registry } = await runPlain();
    const paths = ['../../etc', 'a/%2e%2e/%2e%2e/b', 'UPPER', 'a//b', '%zz', `${'a/'.repeat(150)}a`];
    for (const path of paths) {
      const { request } = await import('node:http');
      const status = await new Promise((resolve, reject) => {
        request(`${registry.endpoint}`, { path: `/v2/${path}/tags/list` }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
          .on('error', reject)
          .end();
      });
      expect([400, 404], path).toContain(status);
    }
    expect(registry.repositories()).toEqual([]);
  });
});
