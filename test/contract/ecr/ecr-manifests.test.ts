import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { pushBlob, pushImage, pushManifest, seededImage, seededIndex } from '../../support/seeded-image.ts';
import { errorsOf, runEcr } from './ecr-fixture.ts';

const image = seededImage({ seed: 'image', layers: [{ size: 100 }, { size: 3000 }] });

describe("ECR's registry protocol: manifests", () => {
  const putManifest = (
    ecr: Awaited<ReturnType<typeof runEcr>>,
    bytes: Uint8Array,
    type: string,
    tag = 'v1',
  ) =>
    ecr.v2(`team/app/manifests/${tag}`, {
      method: 'PUT',
      headers: { 'content-type': type },
      body: Buffer.from(bytes),
    });

  it('returns manifests verbatim, by tag and by digest', async () => {
    const { v2, registry, authorization } = await runEcr();
    await pushImage(registry.endpoint, 'team/app', 'v1', image, { authorization });
    for (const reference of ['v1', image.manifest.digest]) {
      const get = await v2(`team/app/manifests/${reference}`);
      expect(get.headers.get('content-type')).toBe(image.manifest.mediaType);
      expect(get.headers.get('docker-content-digest')).toBe(image.manifest.digest);
      expect(get.headers.get('docker-distribution-api-version')).toBe('registry/2.0');
      expect(Buffer.from(await get.arrayBuffer()).equals(image.manifest.bytes)).toBe(true);
      const head = await v2(`team/app/manifests/${reference}`, { method: 'HEAD' });
      expect(head.headers.get('content-length')).toBe(String(image.manifest.bytes.length));
      expect(head.headers.get('docker-content-digest')).toBe(image.manifest.digest);
    }
  });

  it('refuses an index whose children are missing (int128/docker-manifest-create-action#63)', async () => {
    const ecr = await runEcr();
    const index = seededIndex({ seed: 'index', layers: [{ size: 100 }] });
    const put = await putManifest(ecr, index.manifest.bytes, index.manifest.mediaType);
    expect(put.status).toBe(404);
    const [error] = await errorsOf(put);
    expect(error?.code).toBe('MANIFEST_BLOB_UNKNOWN');
    for (const child of index.children) expect(error?.message).toContain(child.manifest.digest);
    expect(ecr.registry.tags('team/app')).toEqual([]);
    await pushImage(ecr.registry.endpoint, 'team/app', 'v1', index, { authorization: ecr.authorization });
    expect(ecr.registry.tag('team/app', 'v1')).toBe(index.manifest.digest);
  });

  it('refuses a manifest whose layers are missing (oras-project/oras-py#54)', async () => {
    const ecr = await runEcr();
    const put = await putManifest(ecr, image.manifest.bytes, image.manifest.mediaType);
    expect(put.status).toBe(404);
    const [error] = await errorsOf(put);
    expect(error?.code).toBe('BLOB_UPLOAD_UNKNOWN');
    expect(error?.message).toContain(image.config.digest);
  });

  it('refuses a tag of an immutable repository even with the same digest (CR#2380)', async () => {
    const ecr = await runEcr({ repository: { imageTagMutability: 'IMMUTABLE' } });
    await pushImage(ecr.registry.endpoint, 'team/app', 'v1', image, { authorization: ecr.authorization });
    const again = await putManifest(ecr, image.manifest.bytes, image.manifest.mediaType);
    expect(again.status).toBe(400);
    const [error] = await errorsOf(again);
    expect(error?.code).toBe('TAG_INVALID');
    expect(error?.message).toContain("The image tag 'v1' already exists");
  });

  it('accepts the same manifest under the same tag again if tags are mutable', async () => {
    const ecr = await runEcr();
    await pushImage(ecr.registry.endpoint, 'team/app', 'v1', image, { authorization: ecr.authorization });
    expect((await putManifest(ecr, image.manifest.bytes, image.manifest.mediaType)).status).toBe(201);
  });

  it('refuses media types with parameters (CR#2306)', async () => {
    const ecr = await runEcr();
    const bundle = seededImage({
      seed: 'bundle',
      layers: [{ size: 50 }],
      artifactType: 'application/vnd.dev.sigstore.bundle+json;version=0.2',
    });
    for (const [digest, bytes] of [...image.blobs, ...bundle.blobs]) {
      await pushBlob(ecr.registry.endpoint, 'team/app', digest, bytes, { authorization: ecr.authorization });
    }
    const inside = await putManifest(ecr, bundle.manifest.bytes, bundle.manifest.mediaType);
    const header = await putManifest(ecr, image.manifest.bytes, `${image.manifest.mediaType}; charset=utf-8`);
    for (const answer of [inside, header]) {
      expect(answer.status).toBe(405);
      expect(await errorsOf(answer)).toEqual([
        {
          code: 'UNSUPPORTED',
          message: "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'",
        },
      ]);
    }
  });

  it('refuses a manifest under the digest of another', async () => {
    const ecr = await runEcr();
    await pushImage(ecr.registry.endpoint, 'team/app', 'v1', image, { authorization: ecr.authorization });
    const wrong = digestOf(Buffer.from('other'));
    const put = await putManifest(ecr, image.manifest.bytes, image.manifest.mediaType, wrong);
    expect(put.status).toBe(400);
    expect(await errorsOf(put)).toMatchObject([{ code: 'MANIFEST_INVALID' }]);
  });

  it('deletes nothing through this protocol', async () => {
    const ecr = await runEcr();
    await pushImage(ecr.registry.endpoint, 'team/app', 'v1', image, { authorization: ecr.authorization });
    for (const path of [`manifests/${image.manifest.digest}`, `blobs/${image.config.digest}`]) {
      expect((await ecr.v2(`team/app/${path}`, { method: 'DELETE' })).status).toBe(405);
    }
    expect(ecr.registry.tag('team/app', 'v1')).toBe(image.manifest.digest);
  });

  it('lists 100 tags per page by default, and refuses more than 1000', async () => {
    const ecr = await runEcr();
    const { authorization } = ecr;
    const tags = Array.from({ length: 101 }, (_, i) => `t${String(i).padStart(3, '0')}`);
    await pushImage(ecr.registry.endpoint, 'team/app', undefined, image, { authorization });
    for (const tag of tags) {
      await pushManifest(ecr.registry.endpoint, 'team/app', tag, image.manifest, { authorization });
    }
    const first = await ecr.v2('team/app/tags/list');
    expect(await first.json()).toEqual({ name: 'team/app', tags: tags.slice(0, 100) });
    const next = /^<([^>]+)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const second = await fetch(next, { headers: { authorization } });
    expect(await second.json()).toEqual({ name: 'team/app', tags: ['t100'] });
    expect(second.headers.get('link')).toBeNull();
    const greedy = await ecr.v2('team/app/tags/list?n=1001');
    expect(greedy.status).toBe(405);
    expect((await errorsOf(greedy))[0]?.message).toContain('less than or equal to 1000');
    expect((await ecr.v2('team/app/tags/list?n=1000')).status).toBe(200);
  });

  it('lists referrers, but does not confirm them when they are pushed', async () => {
    const ecr = await runEcr();
    const { authorization } = ecr;
    await pushImage(ecr.registry.endpoint, 'team/app', 'v1', image, { authorization });
    const signature = seededImage({
      seed: 'signature',
      layers: [{ size: 60 }],
      subject: image.manifest,
      artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json',
    });
    for (const [digest, bytes] of signature.blobs) {
      await pushBlob(ecr.registry.endpoint, 'team/app', digest, bytes, { authorization });
    }
    const put = await putManifest(
      ecr,
      signature.manifest.bytes,
      signature.manifest.mediaType,
      signature.manifest.digest,
    );
    expect(put.status).toBe(201);
    expect(put.headers.get('oci-subject')).toBeNull();
    const referrers = await ecr.v2(`team/app/referrers/${image.manifest.digest}`);
    expect(await referrers.json()).toMatchObject({
      manifests: [{ digest: signature.manifest.digest, size: signature.manifest.bytes.length }],
    });
  });
});
