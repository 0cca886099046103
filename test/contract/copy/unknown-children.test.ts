import { describe, expect, it } from 'vitest';
import { RegistryRepository } from '../../../core/copy/registry-repository.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { copyWhole } from '../../support/copying.ts';
import { blobOf } from '../../support/memory-image.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { type ScriptedStep, startScriptedServer } from '../../support/scripted-server.ts';
import { clientFor } from '../registry/client-for.ts';

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const index = (...manifests: unknown[]) =>
  json({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests });
const described = (bytes: Buffer, mediaType?: string) => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});
const manifestStep = (reference: string, answer: ScriptedStep['answer'], headers = {}): ScriptedStep => ({
  request: `GET /v2/a/manifests/${reference}`,
  answer,
  headers,
});
const found = (body: Buffer, type: string) => ({ status: 200, headers: { 'content-type': type }, body });
const blobStep = (bytes: Buffer): ScriptedStep => ({
  request: `GET /v2/a/blobs/${digestOf(bytes)}`,
  answer: { status: 200, body: bytes },
});

const copy = async (steps: ScriptedStep[]) => {
  const server = await startScriptedServer(steps, { anyOrder: true });
  const mirror = new MemoryStore('mirror');
  await copyWhole(new RegistryRepository(clientFor(server), 'r.example', 'a'), mirror, 'latest');
  return mirror;
};

describe('a child of an index', () => {
  const layer = Buffer.from('what the artifact is about');

  it.each([mediaTypes.ociArtifactManifest, 'application/vnd.example.manifest.v2+json'])(
    'of the unknown type %s is copied with the blobs that it names, byte for byte',
    async (type) => {
      const child = json({ mediaType: type, blobs: [blobOf(layer)], more: { of: 'it' } });
      const root = index(described(child, type));
      const mirror = await copy([
        manifestStep('latest', found(root, mediaTypes.ociIndex)),
        manifestStep(digestOf(child), found(child, type), {
          accept: new RegExp(`^${type.replaceAll('+', '\\+')}, `),
        }),
        blobStep(layer),
      ]);
      expect(mirror.manifests.get(digestOf(child))).toMatchObject({ mediaType: type, bytes: child });
      expect(mirror.blobs.has(digestOf(layer))).toBe(true);
      expect(mirror.tags.get('latest')).toBe(digestOf(root));
    },
  );

  it('of an unknown type that names manifests is copied with them, like an index', async () => {
    const type = 'application/vnd.example.index+json';
    const image = json({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: blobOf(layer, mediaTypes.ociConfig),
      layers: [],
    });
    const child = json({ mediaType: type, manifests: [described(image, mediaTypes.ociManifest)] });
    const root = index(described(child, type));
    const mirror = await copy([
      manifestStep('latest', found(root, mediaTypes.ociIndex)),
      manifestStep(digestOf(child), found(child, type)),
      manifestStep(digestOf(image), found(image, mediaTypes.ociManifest)),
      blobStep(layer),
    ]);
    expect(mirror.manifests.get(digestOf(child))).toMatchObject({ mediaType: type, bytes: child });
    expect(mirror.manifests.has(digestOf(image))).toBe(true);
    expect(mirror.blobs.has(digestOf(layer))).toBe(true);
    expect(mirror.tags.get('latest')).toBe(digestOf(root));
  });

  it('without a media type is read as the type that the registry gives', async () => {
    const child = json({ schemaVersion: 2, config: blobOf(layer, mediaTypes.ociConfig), layers: [] });
    const root = index(described(child));
    const mirror = await copy([
      manifestStep('latest', found(root, mediaTypes.ociIndex)),
      manifestStep(digestOf(child), found(child, mediaTypes.ociManifest)),
      blobStep(layer),
    ]);
    expect(mirror.manifests.get(digestOf(child))).toMatchObject({ kind: 'image' });
  });

  it.each([
    ['that is not a manifest in the registry', { status: 404 }],
    ['whose manifest is invalid', { status: 200, body: '<html>' }],
    ['that is refused as a manifest', { status: 400, body: { errors: [{ code: 'MANIFEST_INVALID' }] } }],
  ])('of an unknown type %s is a blob', async (_, answer) => {
    const cache = Buffer.from('a cache of builds');
    const root = index(described(cache, 'application/vnd.buildkit.cacheconfig.v0'));
    const mirror = await copy([
      manifestStep('latest', found(root, mediaTypes.ociIndex)),
      manifestStep(digestOf(cache), answer),
      blobStep(cache),
    ]);
    expect(mirror.blobs.has(digestOf(cache))).toBe(true);
  });

  it('with a layer type is requested as a blob at once', async () => {
    const root = index(described(layer, mediaTypes.ociLayerGzip));
    const mirror = await copy([manifestStep('latest', found(root, mediaTypes.ociIndex)), blobStep(layer)]);
    expect(mirror.blobs.has(digestOf(layer))).toBe(true);
  });

  it('of a known type that is missing fails the copy', async () => {
    const root = index(described(layer, mediaTypes.ociManifest));
    const copying = copy([
      manifestStep('latest', found(root, mediaTypes.ociIndex)),
      manifestStep(digestOf(layer), { status: 404 }),
    ]);
    await expect(copying).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  });
});
