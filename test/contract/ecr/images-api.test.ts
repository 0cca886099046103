import {
  BatchDeleteImageCommand,
  BatchGetImageCommand,
  DescribeImagesCommand,
  type ImageIdentifier,
  ListImagesCommand,
  PutImageCommand,
  type PutImageCommandInput,
  paginateListImages,
} from '@aws-sdk/client-ecr';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import {
  pushBlob,
  pushImage,
  type SeededImage,
  seededImage,
  seededIndex,
} from '../../support/seeded-image.ts';
import { rejectionOf, runEcr } from './ecr-fixture.ts';

const repositoryName = 'team/app';
const image = seededImage({ seed: 'image', layers: [{ size: 100 }, { size: 3000 }] });
const other = seededImage({ seed: 'other', layers: [{ size: 200 }] });

type Ecr = Awaited<ReturnType<typeof runEcr>>;

/** Puts an image through the API, after its blobs. */
async function put(ecr: Ecr, { manifest, blobs }: SeededImage, more: Partial<PutImageCommandInput> = {}) {
  for (const [digest, bytes] of blobs) {
    await pushBlob(ecr.registry.endpoint, repositoryName, digest, bytes, {
      authorization: ecr.authorization,
    });
  }
  return ecr.client.send(
    new PutImageCommand({
      repositoryName,
      imageManifest: Buffer.from(manifest.bytes).toString(),
      imageManifestMediaType: manifest.mediaType,
      ...more,
    }),
  );
}

const getImages = (ecr: Ecr, imageIds: ImageIdentifier[]) =>
  ecr.client.send(new BatchGetImageCommand({ repositoryName, imageIds }));

const deleteImages = (ecr: Ecr, imageIds: ImageIdentifier[]) =>
  ecr.client.send(new BatchDeleteImageCommand({ repositoryName, imageIds }));

describe('PutImage', () => {
  it('keeps the manifest verbatim and points the tag to it', async () => {
    const ecr = await runEcr();
    const answer = await put(ecr, image, { imageTag: 'v1', imageDigest: image.manifest.digest });
    expect(answer.image?.imageId).toEqual({ imageDigest: image.manifest.digest, imageTag: 'v1' });
    expect(ecr.registry.tag(repositoryName, 'v1')).toBe(image.manifest.digest);
    const pulled = await ecr.v2('team/app/manifests/v1');
    expect(Buffer.from(await pulled.arrayBuffer()).equals(image.manifest.bytes)).toBe(true);
  });

  it('refuses an image whose layers are missing, and names them', async () => {
    const ecr = await runEcr();
    const error = await rejectionOf(put(ecr, { ...image, blobs: new Map() }));
    expect(error.name).toBe('LayersNotFoundException');
    for (const { digest } of [image.config, ...image.layers]) expect(error.message).toContain(digest);
  });

  it('refuses an index whose children are missing, and names them', async () => {
    const ecr = await runEcr();
    const index = seededIndex({ seed: 'index', layers: [{ size: 100 }] });
    const put = ecr.client.send(
      new PutImageCommand({
        repositoryName,
        imageManifest: Buffer.from(index.manifest.bytes).toString(),
        imageManifestMediaType: index.manifest.mediaType,
      }),
    );
    const error = await rejectionOf(put);
    expect(error.name).toBe('ReferencedImagesNotFoundException');
    for (const child of index.children) expect(error.message).toContain(child.manifest.digest);
  });

  it('reports that image and tag exist as they are, but adds and moves tags', async () => {
    const ecr = await runEcr();
    await put(ecr, image, { imageTag: 'v1' });
    expect((await rejectionOf(put(ecr, image, { imageTag: 'v1' }))).name).toBe('ImageAlreadyExistsException');
    expect((await rejectionOf(put(ecr, image))).name).toBe('ImageAlreadyExistsException');
    await put(ecr, image, { imageTag: 'v2' });
    await put(ecr, other, { imageTag: 'v1' });
    expect(ecr.registry.tag(repositoryName, 'v1')).toBe(other.manifest.digest);
    expect(ecr.registry.tag(repositoryName, 'v2')).toBe(image.manifest.digest);
  });

  it('refuses a tag that exists in an immutable repository, even with the same digest (CR#2380)', async () => {
    const ecr = await runEcr({ repository: { imageTagMutability: 'IMMUTABLE' } });
    await put(ecr, image, { imageTag: 'v1' });
    expect((await rejectionOf(put(ecr, image, { imageTag: 'v1' }))).name).toBe(
      'ImageTagAlreadyExistsException',
    );
    expect((await rejectionOf(put(ecr, other, { imageTag: 'v1' }))).name).toBe(
      'ImageTagAlreadyExistsException',
    );
    expect(ecr.registry.tag(repositoryName, 'v1')).toBe(image.manifest.digest);
  });

  it('moves the excluded tags of an immutable repository', async () => {
    const ecr = await runEcr({
      repository: {
        imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
        imageTagMutabilityExclusionFilters: [{ filterType: 'WILDCARD', filter: 'dev-*-x*' }],
      },
    });
    for (const imageTag of ['dev-1-x', 'dev-1', 'v1']) await put(ecr, image, { imageTag });
    await put(ecr, other, { imageTag: 'dev-1-x' });
    for (const imageTag of ['dev-1', 'v1']) {
      expect((await rejectionOf(put(ecr, other, { imageTag }))).name).toBe('ImageTagAlreadyExistsException');
    }
  });

  it('keeps the excluded tags of a mutable repository', async () => {
    const ecr = await runEcr({
      repository: {
        imageTagMutability: 'MUTABLE_WITH_EXCLUSION',
        imageTagMutabilityExclusionFilters: [{ filterType: 'WILDCARD', filter: 'v*' }],
      },
    });
    for (const imageTag of ['v1', 'latest']) await put(ecr, image, { imageTag });
    await put(ecr, other, { imageTag: 'latest' });
    expect((await rejectionOf(put(ecr, other, { imageTag: 'v1' }))).name).toBe(
      'ImageTagAlreadyExistsException',
    );
  });

  it('refuses a manifest whose digest is not the given one', async () => {
    const ecr = await runEcr();
    const error = await rejectionOf(put(ecr, image, { imageDigest: other.manifest.digest }));
    expect(error.name).toBe('ImageDigestDoesNotMatchException');
  });

  it('refuses a manifest whose type is not given', async () => {
    const ecr = await runEcr();
    const { mediaType: _, ...manifest } = JSON.parse(Buffer.from(image.manifest.bytes).toString());
    const bytes = Buffer.from(JSON.stringify(manifest));
    const untyped = { ...image, manifest: { ...image.manifest, bytes, digest: digestOf(bytes) } };
    const without = await rejectionOf(put(ecr, untyped, { imageManifestMediaType: undefined }));
    expect(without.name).toBe('InvalidParameterException');
    expect((await put(ecr, untyped)).image?.imageId?.imageDigest).toBe(digestOf(bytes));
  });
});

describe('images in the API', () => {
  it('returns manifests by tag and by digest, and says what is missing', async () => {
    const ecr = await runEcr();
    await put(ecr, image, { imageTag: 'v1' });
    const { digest } = image.manifest;
    const { images, failures } = await getImages(ecr, [
      { imageTag: 'v1' },
      { imageDigest: digest },
      { imageTag: 'v2' },
      { imageDigest: other.manifest.digest, imageTag: 'v1' },
      { imageDigest: 'sha256:x' },
      {},
    ]);
    expect(images?.map(({ imageId }) => imageId)).toEqual([
      { imageTag: 'v1', imageDigest: digest },
      { imageDigest: digest },
    ]);
    expect(images?.[0]?.imageManifest).toBe(Buffer.from(image.manifest.bytes).toString());
    expect(images?.[0]?.imageManifestMediaType).toBe(image.manifest.mediaType);
    expect(failures?.map(({ failureCode }) => failureCode)).toEqual([
      'ImageNotFound',
      'ImageNotFound',
      'InvalidImageDigest',
      'MissingDigestAndTag',
    ]);
  });

  it('describes images, and says which one is missing', async () => {
    const ecr = await runEcr();
    await put(ecr, image, { imageTag: 'v2' });
    await put(ecr, image, { imageTag: 'v1' });
    await put(ecr, other);
    const { imageDetails } = await ecr.client.send(
      new DescribeImagesCommand({ repositoryName, imageIds: [{ imageTag: 'v1' }] }),
    );
    expect(imageDetails).toMatchObject([
      {
        imageDigest: image.manifest.digest,
        imageTags: ['v1', 'v2'],
        imageSizeInBytes: image.config.size + 3100,
        imageManifestMediaType: image.manifest.mediaType,
      },
    ]);
    const untagged = await ecr.client.send(
      new DescribeImagesCommand({ repositoryName, filter: { tagStatus: 'UNTAGGED' } }),
    );
    expect(untagged.imageDetails?.map(({ imageDigest }) => imageDigest)).toEqual([other.manifest.digest]);
    const missing = ecr.client.send(
      new DescribeImagesCommand({ repositoryName, imageIds: [{ imageTag: 'v9' }] }),
    );
    expect((await rejectionOf(missing)).name).toBe('ImageNotFoundException');
  });

  it('lists images in pages, one entry per tag', async () => {
    const ecr = await runEcr();
    for (const imageTag of ['a', 'b', 'c', 'd']) await put(ecr, image, { imageTag });
    await put(ecr, other);
    const seen: ImageIdentifier[] = [];
    for await (const page of paginateListImages({ client: ecr.client, pageSize: 2 }, { repositoryName })) {
      expect(page.imageIds?.length).toBeLessThanOrEqual(2);
      seen.push(...(page.imageIds ?? []));
    }
    expect(seen.map(({ imageTag }) => imageTag).sort()).toEqual(['a', 'b', 'c', 'd', undefined]);
    const tagged = await ecr.client.send(
      new ListImagesCommand({ repositoryName, filter: { tagStatus: 'TAGGED' } }),
    );
    expect(tagged.imageIds).toHaveLength(4);
  });

  it('deletes a tag alone, and with the last tag the image and the layers that no other image has', async () => {
    const ecr = await runEcr();
    const { digest } = image.manifest;
    const sharing = seededImage({ seed: 'sharing', layers: [{ size: 3000, seed: 'image/linux/amd64/1' }] });
    await put(ecr, image, { imageTag: 'v1' });
    await put(ecr, image, { imageTag: 'v2' });
    await put(ecr, sharing, { imageTag: 'sharing' });
    expect((await deleteImages(ecr, [{ imageTag: 'v1' }])).imageIds).toEqual([
      { imageDigest: digest, imageTag: 'v1' },
    ]);
    expect(ecr.registry.hasManifest(repositoryName, digest)).toBe(true);
    await deleteImages(ecr, [{ imageTag: 'v2' }]);
    expect(ecr.registry.hasManifest(repositoryName, digest)).toBe(false);
    const [first, shared] = image.layers.map((layer) => ecr.registry.hasBlob(repositoryName, layer.digest));
    expect({ first, shared }).toEqual({ first: false, shared: true });
  });

  it('deletes by digest with all tags, but no child of an index', async () => {
    const ecr = await runEcr();
    const index = seededIndex({ seed: 'index', layers: [{ size: 100 }] });
    const { endpoint } = ecr.registry;
    await pushImage(endpoint, repositoryName, 'multi', index, { authorization: ecr.authorization });
    const child = index.children[0]?.manifest.digest;
    const refused = await deleteImages(ecr, [{ imageDigest: child }]);
    expect(refused.failures).toMatchObject([{ failureCode: 'ImageReferencedByManifestList' }]);
    const done = await deleteImages(ecr, [{ imageDigest: index.manifest.digest }, { imageDigest: child }]);
    expect(done.failures).toEqual([]);
    expect(done.imageIds).toEqual([
      { imageDigest: index.manifest.digest, imageTag: 'multi' },
      { imageDigest: child },
    ]);
    expect(ecr.registry.tags(repositoryName)).toEqual([]);
  });
});
