import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitChildren, commitRoot } from '../../../core/copy/commit.ts';
import { copyBlobs } from '../../../core/copy/copy.ts';
import { imagePlatforms } from '../../../core/copy/image-platforms.ts';
import { type PlanOptions, plan } from '../../../core/copy/plan.ts';
import type { ImageDestination, ImageSource } from '../../../core/copy/ports.ts';
import { RegistryRepository } from '../../../core/copy/registry-repository.ts';
import type { Descriptor } from '../../../core/oci/descriptor.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { type Manifest, parseManifest } from '../../../core/oci/manifest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { blobOf, childOf, holdImage, manifestOf } from '../../support/memory-image.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { seededImage, seededIndex } from '../../support/seeded-image.ts';
import { clientFor } from '../registry/client-for.ts';
import { distributionSubject, ecrSubject, type Subject } from './subjects.ts';

/** An image in memory, before it is pushed anywhere. */
class Draft {
  readonly store = new MemoryStore('draft');

  blob(content: string, mediaType: string): Descriptor {
    const blob = blobOf(content, mediaType);
    this.store.blobs.set(blob.digest, Buffer.from(content));
    return blob;
  }

  manifest(content: Record<string, unknown> & { mediaType: string }): Manifest {
    const manifest = manifestOf({ schemaVersion: 2, ...content });
    this.store.manifests.set(manifest.digest, manifest);
    return manifest;
  }

  image(name: string, more: { layerType?: string; [field: string]: unknown } = {}): Manifest {
    const { layerType = mediaTypes.ociLayerGzip, ...fields } = more;
    return this.manifest({
      mediaType: mediaTypes.ociManifest,
      config: this.blob(`{"architecture":"amd64","os":"linux","name":"${name}"}`, mediaTypes.ociConfig),
      layers: [this.blob(`layer of ${name}`, layerType)],
      ...fields,
    });
  }

  index(manifests: Descriptor[], more: Record<string, unknown> = {}): Manifest {
    return this.manifest({ mediaType: mediaTypes.ociIndex, manifests, ...more });
  }
}

const platform = (architecture: string) => ({ platform: { os: 'linux', architecture } });
const nowhere = { os: 'unknown', architecture: 'unknown' };

/**
 * How BuildKit attests: https://docs.docker.com/build/metadata/attestations/attestation-storage/
 */
function withAttestations(draft: Draft): Manifest {
  const children = ['amd64', 'arm64'].map((architecture) => ({
    architecture,
    image: draft.image(`for ${architecture}`),
  }));
  const attested = children.map(({ image }) => {
    const attestation = draft.manifest({
      mediaType: mediaTypes.ociManifest,
      config: draft.blob(`{"attests":"${image.digest}"}`, mediaTypes.ociConfig),
      layers: [draft.blob(`{"sbom of":"${image.digest}"}`, 'application/vnd.in-toto+json')],
    });
    return childOf(attestation, {
      platform: nowhere,
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': image.digest,
      },
    });
  });
  return draft.index([
    ...children.map(({ architecture, image }) => childOf(image, platform(architecture))),
    ...attested,
  ]);
}

const seeded = (draft: Draft, image: Parameters<typeof holdImage>[1]) => holdImage(draft.store, image);

/** What people push; each is copied whole, byte for byte. */
const kinds: [name: string, platforms: string[], make: (draft: Draft) => Manifest][] = [
  [
    'an OCI image',
    ['linux/amd64'],
    (draft) => seeded(draft, seededImage({ seed: 'oci', layers: [{ size: 3_000 }] })),
  ],
  [
    'a Docker image of schema 2',
    ['linux/arm64'],
    (draft) =>
      seeded(
        draft,
        seededImage({
          seed: 'docker',
          mediaTypes: 'docker',
          platform: { os: 'linux', architecture: 'arm64' },
          layers: [{ size: 3_000 }, { size: 100 }],
        }),
      ),
  ],
  [
    'an OCI index',
    ['linux/amd64', 'linux/arm64/v8'],
    (draft) => seeded(draft, seededIndex({ seed: 'index', layers: [{ size: 500 }] })),
  ],
  [
    'a Docker manifest list',
    ['linux/amd64', 'linux/arm64/v8'],
    (draft) => seeded(draft, seededIndex({ seed: 'list', mediaTypes: 'docker', layers: [{ size: 500 }] })),
  ],
  [
    'an OCI index of Docker images',
    ['linux/amd64'],
    (draft) => {
      const image = seeded(
        draft,
        seededImage({ seed: 'mixed', mediaTypes: 'docker', layers: [{ size: 100 }] }),
      );
      return draft.index([childOf(image, platform('amd64'))]);
    },
  ],
  ['an index with attestations', ['linux/amd64', 'linux/arm64'], withAttestations],
  [
    'an index in an index',
    ['linux/amd64', 'linux/s390x'],
    (draft) => {
      const inner = draft.index([childOf(draft.image('inner'), platform('s390x'))]);
      return draft.index([childOf(inner), childOf(draft.image('outer'), platform('amd64'))]);
    },
  ],
  ['an empty index', [], (draft) => draft.index([])],
  [
    'an image with zstd layers',
    ['linux/amd64'],
    (draft) => draft.image('zstd', { layerType: mediaTypes.ociLayerZstd }),
  ],
  ['an image without layers', ['linux/amd64'], (draft) => draft.image('scratch', { layers: [] })],
  [
    'an image that has one layer twice',
    ['linux/amd64'],
    (draft) => {
      const layer = draft.blob('twice', mediaTypes.ociLayer);
      return draft.image('with doubles', { layers: [layer, layer] });
    },
  ],
  [
    'an image that embeds its config',
    ['linux/amd64'],
    (draft) => {
      const content = '{"architecture":"amd64","os":"linux","embedded":true}';
      const config = draft.blob(content, mediaTypes.ociConfig);
      return draft.image('with data', {
        config: { ...config, data: Buffer.from(content).toString('base64') },
      });
    },
  ],
  [
    'an artifact with a type and no config',
    [],
    (draft) =>
      draft.manifest({
        mediaType: mediaTypes.ociManifest,
        artifactType: 'application/vnd.example.model',
        config: draft.blob('{}', mediaTypes.ociEmpty),
        layers: [draft.blob('weights', 'application/vnd.example.weights')],
        annotations: { 'org.opencontainers.image.title': 'model' },
      }),
  ],
  [
    'an artifact that consists of annotations only',
    [],
    (draft) => {
      const empty = draft.blob('{}', mediaTypes.ociEmpty);
      return draft.manifest({
        mediaType: mediaTypes.ociManifest,
        artifactType: 'application/vnd.example.note',
        config: empty,
        layers: [empty],
      });
    },
  ],
  [
    'an index with a type',
    [],
    (draft) =>
      draft.index([childOf(draft.image('part'))], { artifactType: 'application/vnd.example.bundle' }),
  ],
  [
    'a Helm chart', // https://helm.sh/docs/topics/registries/
    [],
    (draft) =>
      draft.manifest({
        mediaType: mediaTypes.ociManifest,
        config: draft.blob('{"name":"shop","version":"1.0.0"}', 'application/vnd.cncf.helm.config.v1+json'),
        layers: [
          draft.blob('a chart', 'application/vnd.cncf.helm.chart.content.v1.tar+gzip'),
          draft.blob('its provenance', 'application/vnd.cncf.helm.chart.provenance.v1.prov'),
        ],
      }),
  ],
  [
    'a WebAssembly module', // https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/
    [],
    (draft) =>
      draft.manifest({
        mediaType: mediaTypes.ociManifest,
        config: draft.blob('{"os":"wasip2"}', 'application/vnd.wasm.config.v0+json'),
        layers: [draft.blob('module', 'application/wasm')],
      }),
  ],
  [
    'a build cache, an index of layers', // https://github.com/moby/buildkit#registry-push-image-and-cache-separately
    [],
    (draft) =>
      draft.index([
        draft.blob('a cached layer', mediaTypes.ociLayerGzip),
        draft.blob('{"layers":[]}', 'application/vnd.buildkit.cacheconfig.v0'),
      ]),
  ],
  [
    'an image with a layer from elsewhere',
    ['windows/amd64'],
    (draft) => {
      const foreign = {
        ...blobOf('windows base', mediaTypes.dockerForeignLayerGzip),
        urls: ['https://layers.example/base'],
      };
      return draft.manifest({
        mediaType: mediaTypes.dockerManifest,
        config: draft.blob('{"architecture":"amd64","os":"windows"}', mediaTypes.dockerConfig),
        layers: [foreign, draft.blob('on top', mediaTypes.dockerLayerGzip)],
      });
    },
  ],
];

async function copyImage(
  source: ImageSource,
  destination: ImageDestination,
  reference: string,
  options: PlanOptions & { to?: string } = {},
) {
  const planned = await plan(source, destination, reference, options);
  const { configs, arrived } = await copyBlobs(source, destination, planned);
  await commitChildren(destination, planned, arrived);
  await commitRoot(destination, planned, options.to ?? reference);
  return { planned, platforms: await imagePlatforms(planned, configs, destination) };
}

describe.each([
  ['a distribution registry', distributionSubject],
  ['Amazon ECR', ecrSubject],
])('into %s', (_name, startMirror) => {
  let upstream: Subject;
  let mirror: Subject;
  beforeAll(async () => {
    upstream = await distributionSubject();
    mirror = await startMirror();
  });
  afterAll(async () => {
    await upstream.close();
    await mirror.close();
  });

  /** Pushes a draft to the upstream registry. */
  async function push(tag: string, make: (draft: Draft) => Manifest): Promise<Manifest> {
    const draft = new Draft();
    const root = make(draft);
    draft.store.tags.set(tag, root.digest);
    await copyImage(draft.store, upstream.store, tag);
    return root;
  }

  it.each(kinds.map(([name, platforms, make], i) => ({ name, platforms, make, tag: `kind-${i}` })))(
    'copies $name',
    async ({ platforms, make, tag }) => {
      const root = await push(tag, make);
      const copied = await copyImage(upstream.store, mirror.store, tag);

      expect(copied.platforms).toEqual(platforms);
      for (const manifest of [root, ...copied.planned.children]) {
        const held = await mirror.store.manifest(manifest.digest);
        expect(Buffer.from(held.bytes).equals(manifest.bytes)).toBe(true);
        expect(held.mediaType).toBe(manifest.mediaType);
      }
      expect(await mirror.store.tagDigest(tag)).toBe(root.digest);
      const { blobs } = copied.planned;
      expect(await mirror.store.presentBlobs(blobs)).toEqual(new Set(blobs.map(({ digest }) => digest)));
      // A second copy has nothing to do.
      expect((await plan(upstream.store, mirror.store, tag, { ask: true })).missing).toEqual([]);
    },
  );

  it('copies only the requested platforms, with their attestations', async () => {
    const root = await push('filtered', withAttestations);
    const platforms = [{ os: 'linux', architecture: 'arm64' }];
    const { planned, ...copied } = await copyImage(upstream.store, mirror.store, 'filtered', { platforms });
    expect(copied.platforms).toEqual(['linux/arm64']);
    expect(planned.source.digest).toBe(root.digest);
    expect(planned.children).toHaveLength(2);
    expect(await mirror.store.tagDigest('filtered')).toBe(planned.root.digest);
    expect(planned.root.digest).not.toBe(root.digest);

    const none = [{ os: 'linux', architecture: 'riscv64' }];
    await expect(plan(upstream.store, mirror.store, 'filtered', { platforms: none })).rejects.toMatchObject({
      code: 'NO_MATCHING_PLATFORM',
      side: 'upstream',
      message: expect.stringContaining('linux/amd64, linux/arm64'),
    });
  });

  it('refuses a Docker image of schema 1, and says what to do', async () => {
    const body = { schemaVersion: 1, name: 'old', tag: '1', fsLayers: [], history: [], signatures: [] };
    const answer = { status: 200, headers: { 'content-type': mediaTypes.dockerSchema1Signed }, body };
    const server = await startScriptedServer([{ request: 'GET /v2/app/manifests/1', answer }]);
    const old = new RegistryRepository(clientFor(server), 'r.example', 'app');
    await expect(plan(old, mirror.store, '1')).rejects.toMatchObject({
      code: 'MANIFEST_UNSUPPORTED',
      side: 'upstream',
      temporary: false,
      message: expect.stringContaining('push it again with a current client'),
    });
  });
});

describe('images with sha512 digests', () => {
  let upstream: Subject;
  beforeAll(async () => {
    upstream = await distributionSubject();
  });
  afterAll(() => upstream.close());

  const content = 'a layer by sha512';
  const layer = { ...blobOf(content, mediaTypes.ociLayer), digest: digestOf(Buffer.from(content), 'sha512') };

  async function push(): Promise<Manifest> {
    const draft = new Draft();
    draft.store.blobs.set(layer.digest, Buffer.from(content));
    const root = draft.image('sha512', { layers: [layer] });
    draft.store.tags.set('sha512', root.digest);
    await copyImage(draft.store, upstream.store, 'sha512');
    return root;
  }

  it('are copied by the requested digest if the mirror accepts them', async () => {
    const mirror = await distributionSubject();
    const root = await push();
    const { planned } = await copyImage(upstream.store, mirror.store, 'sha512');
    expect(planned.missing.map(({ digest }) => digest)).toContain(layer.digest);
    expect(await mirror.store.tagDigest('sha512')).toBe(root.digest);

    const digest = digestOf(root.bytes, 'sha512');
    const byDigest = parseManifest(root.bytes, root.mediaType, digest);
    await (mirror.store as RegistryRepository).putManifest(byDigest, digest);
    expect((await mirror.store.manifest(digest)).digest).toBe(digest);
    await mirror.close();
  });

  it('are refused for Amazon ECR before anything is copied, with the reason', async () => {
    const mirror = await ecrSubject();
    // The repository exists: ECR does not look into a batch before that.
    await mirror.store.presentBlobs([]);
    await push();
    await expect(plan(upstream.store, mirror.store, 'sha512')).rejects.toMatchObject({
      code: 'DIGEST_UNSUPPORTED',
      side: 'upstream',
      temporary: false,
      remedy: expect.stringContaining('sha256 digests'),
    });
    await mirror.close();
  });
});
