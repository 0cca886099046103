import { describe, expect, it } from 'vitest';
import type { ContentRequirements } from '../../../core/config/content-requirements.ts';
import { plan as planCopy } from '../../../core/copy/plan.ts';
import type { Descriptor } from '../../../core/oci/descriptor.ts';
import type { Manifest } from '../../../core/oci/manifest.ts';
import { checkContent } from '../../../core/requirements/check-content.ts';
import { ContentRefused } from '../../../core/requirements/refusal.ts';
import { blobOf, childOf, holdImage, manifestOf, storeWith } from '../../support/memory-image.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { seededImage, seededIndex } from '../../support/seeded-image.ts';

const configType = 'application/vnd.oci.image.config.v1+json';
const imageType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
const layers = [{ size: 2_000 }];

/** What is said about an image; undefined if it meets what is required. */
async function refusalOf(
  requirements: ContentRequirements,
  store: MemoryStore,
  reference = 'latest',
): Promise<ContentRefused | undefined> {
  const plan = await planCopy(store, new MemoryStore('mirror.example/app'), reference);
  try {
    await checkContent({ image: 'up.example/app:latest', match: 'app', requirements, plan, source: store });
    return undefined;
  } catch (error) {
    if (error instanceof ContentRefused) return error;
    throw error;
  }
}

const codeOf = async (...of: Parameters<typeof refusalOf>) => (await refusalOf(...of))?.code;

/** Puts an image whose config is this text, or of this type. */
function imageWith(
  store: MemoryStore,
  config: string,
  more: { type?: string; layer?: string } = {},
): Manifest {
  const content = blobOf(config, more.type ?? configType);
  const layer = blobOf(
    `layer of ${config.slice(0, 100)}`,
    more.layer ?? 'application/vnd.oci.image.layer.v1.tar',
  );
  store.blobs.set(content.digest, Buffer.from(config));
  store.blobs.set(layer.digest, Buffer.from(`layer of ${config.slice(0, 100)}`));
  const manifest = manifestOf({ schemaVersion: 2, mediaType: imageType, config: content, layers: [layer] });
  store.manifests.set(manifest.digest, manifest);
  return manifest;
}

function indexWith(store: MemoryStore, manifests: Descriptor[], more: object = {}): Manifest {
  const manifest = manifestOf({ schemaVersion: 2, mediaType: indexType, manifests, ...more });
  store.manifests.set(manifest.digest, manifest);
  return manifest;
}

describe('the largest size', () => {
  it('counts each blob and manifest once', async () => {
    const index = seededIndex({ seed: 'size', layers: [{ size: 5_000, seed: 'shared' }] });
    const store = storeWith(index);
    const manifests = [index.manifest, ...index.children.map((child) => child.manifest)];
    const bytes = [...manifests.map((one) => one.bytes), ...index.blobs.values()].reduce(
      (sum, { length }) => sum + length,
      0,
    );
    expect(await codeOf({ maxBytes: bytes }, store)).toBeUndefined();
    const refusal = await refusalOf({ maxBytes: bytes - 1 }, store);
    expect(refusal).toMatchObject({ code: 'too_large', retry: { kind: 'never' } });
    expect(refusal?.message).toBe(
      `up.example/app:latest: it has ${bytes} bytes, more than the ${bytes - 1} that its rule allows; it is not mirrored`,
    );
    expect(refusal?.remedy).toContain('require.maxBytes of the rule app');
  });
});

describe('required platforms', () => {
  it('are those of the index, whatever they are called', async () => {
    const store = storeWith(seededIndex({ seed: 'platforms', layers }));
    expect(await codeOf({ platforms: ['linux/amd64', 'linux/arm64'] }, store)).toBeUndefined();
    const refusal = await refusalOf({ platforms: ['linux/s390x'] }, store);
    expect(refusal?.code).toBe('platform_missing');
    expect(refusal?.message).toContain(
      'no image for linux/s390x, which its rule requires; it has linux/amd64, linux/arm64/v8',
    );
  });

  it('are read from the config of a single image, and of children that name none', async () => {
    const arm = { os: 'linux', architecture: 'arm64' };
    expect(
      await codeOf(
        { platforms: ['linux/arm64'] },
        storeWith(seededImage({ seed: 'a', layers, platform: arm })),
      ),
    ).toBeUndefined();
    const store = new MemoryStore('up.example/app');
    const child = imageWith(store, JSON.stringify(arm));
    store.tags.set('latest', indexWith(store, [childOf(child)]).digest);
    expect(await codeOf({ platforms: ['linux/arm64'] }, store)).toBeUndefined();
    expect(await codeOf({ platforms: ['linux/amd64'] }, store)).toBe('platform_missing');
  });

  it('are not those of attestations', async () => {
    const store = new MemoryStore('up.example/app');
    const statement = imageWith(store, '{"os":"linux","architecture":"s390x"}', {
      layer: 'application/vnd.in-toto+json',
    });
    const platform = { os: 'linux', architecture: 's390x' };
    store.tags.set('latest', indexWith(store, [childOf(statement, { platform })]).digest);
    expect(await codeOf({ platforms: ['linux/s390x'] }, store)).toBe('platform_missing');
  });

  it('are named in a short message, however many there are and whatever they contain', async () => {
    const store = new MemoryStore('up.example/app');
    const child = imageWith(store, '{}');
    const many = Array.from({ length: 900 }, (_, n) =>
      childOf(child, { platform: { os: `os${n}\u202e\n${'x'.repeat(50)}`, architecture: 'a'.repeat(500) } }),
    );
    store.tags.set('latest', indexWith(store, many).digest);
    const refusal = await refusalOf({ platforms: ['linux/amd64'] }, store);
    expect(refusal?.code).toBe('platform_missing');
    expect(refusal?.message.length).toBeLessThan(1_000);
    expect(refusal?.message).not.toMatch(/[\n\u202e]/);
  });
});

describe('required annotations', () => {
  it('are those of the index or manifest', async () => {
    const annotations = { vendor: 'Acme' };
    for (const image of [
      seededImage({ seed: 'annotated', layers, annotations }),
      seededIndex({ seed: 'annotated', layers, annotations }),
    ]) {
      expect(await codeOf({ annotations }, storeWith(image))).toBeUndefined();
      expect(await codeOf({ annotations: { vendor: 'acme' } }, storeWith(image))).toBe('annotation_mismatch');
    }
  });

  it('are not inherited', async () => {
    const store = storeWith(seededImage({ seed: 'plain', layers }));
    for (const name of ['constructor', 'toString', '__proto__']) {
      const annotations = JSON.parse(`{${JSON.stringify(name)}:"x"}`);
      expect(await codeOf({ annotations }, store)).toBe('annotation_mismatch');
    }
  });
});

describe('required labels', () => {
  const labels = { 'org.opencontainers.image.vendor': 'Acme', constructor: 'x' };

  it('are those of each platform', async () => {
    expect(await codeOf({ labels }, storeWith(seededIndex({ seed: 'l', layers, labels })))).toBeUndefined();
    const [good, bad] = [
      seededImage({ seed: 'good', layers, labels }),
      seededImage({ seed: 'bad', layers, labels: { ...labels, constructor: 'y' } }),
    ];
    const store = storeWith(good, 'good');
    holdImage(store, bad);
    const children = [good, bad].map(({ manifest }) => store.manifests.get(manifest.digest) as Manifest);
    store.tags.set(
      'latest',
      indexWith(
        store,
        children.map((child) => childOf(child)),
      ).digest,
    );
    const refusal = await refusalOf({ labels }, store);
    expect(refusal?.code).toBe('label_mismatch');
    expect(refusal?.message).toContain(
      `the label constructor of ${bad.manifest.digest} must be "x", but it is "y"`,
    );
  });

  it('are not asked of attestations, but of everything that only claims to be one', async () => {
    const store = new MemoryStore('up.example/app');
    const good = imageWith(store, JSON.stringify({ config: { Labels: labels } }));
    const platform = { os: 'unknown', architecture: 'unknown' };
    const annotations = {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': good.digest,
    };
    const statement = imageWith(store, '{}', { layer: 'application/vnd.in-toto+json' });
    const attested = [childOf(good), childOf(statement, { platform, annotations })];
    store.tags.set('latest', indexWith(store, attested).digest);
    expect(await codeOf({ labels }, store)).toBeUndefined();
    // Clients that run whatever has a platform would run it.
    const disguised = [
      childOf(good),
      childOf(statement, { platform: { os: 'linux', architecture: 'amd64' } }),
    ];
    store.tags.set('latest', indexWith(store, disguised).digest);
    expect(await codeOf({ labels }, store)).toBe('label_mismatch');
    const smuggled = imageWith(store, '{"config":{}}');
    const children = [childOf(good), childOf(smuggled, { platform, annotations })];
    store.tags.set('latest', indexWith(store, children).digest);
    expect(await codeOf({ labels }, store)).toBe('label_mismatch');
  });

  it.each([
    ['not JSON', '{', 'is not JSON'],
    ['not UTF-8', '\ud800', 'must be'],
    ['null', 'null', 'there is none'],
    ['a list of labels', '{"config":{"Labels":["constructor"]}}', 'there is none'],
    ['labels of the prototype', '{"config":{"Labels":{"__proto__":{"a":"b"}}}}', 'there is none'],
    ['a label that is a number', '{"config":{"Labels":{"a":1}}}', 'there is none'],
  ])('are not met by a config that is %s', async (_, config) => {
    const store = new MemoryStore('up.example/app');
    store.tags.set('latest', imageWith(store, config).digest);
    for (const name of ['a', 'constructor', '__proto__'])
      expect(await codeOf({ labels: JSON.parse(`{${JSON.stringify(name)}:"b"}`) }, store)).toBe(
        'label_mismatch',
      );
  });

  it('are found in a config with a label __proto__ next to them', async () => {
    const store = new MemoryStore('up.example/app');
    store.tags.set('latest', imageWith(store, '{"config":{"Labels":{"__proto__":"c","a":"b"}}}').digest);
    expect(await codeOf({ labels: { a: 'b' } }, store)).toBeUndefined();
  });

  it('are not met by an artifact, or a config that is too large to be read', async () => {
    const store = new MemoryStore('up.example/app');
    store.tags.set(
      'chart',
      imageWith(store, '{}', { type: 'application/vnd.cncf.helm.config.v1+json' }).digest,
    );
    const chart = await refusalOf({ labels: { a: 'b' } }, store, 'chart');
    expect(chart?.message).toContain('not that of a container image');
    const huge = blobOf('x', configType);
    const manifest = manifestOf({
      schemaVersion: 2,
      mediaType: imageType,
      config: { ...huge, size: 5 * 1024 * 1024 },
      layers: [],
    });
    store.manifests.set(manifest.digest, manifest);
    store.tags.set('huge', manifest.digest);
    const refusal = await refusalOf({ labels: { a: 'b' } }, store, 'huge');
    expect(refusal?.message).toContain('its config has 5242880 bytes, more than the 4194304 that are read');
  });

  it('are not met by a config with another digest, or one that does not end', async () => {
    const image = seededImage({ seed: 'forged', layers, labels: { a: 'b' } });
    const store = storeWith(image);
    let served = 0;
    for (const forged of ['{"config":{"Labels":{"a":"b"}}}', undefined]) {
      const blob = async () =>
        (async function* () {
          for (let n = 0; n < 1_000; n++) {
            served += 1;
            yield Buffer.from(forged ?? 'x'.repeat(1_000));
            if (forged !== undefined) return;
          }
        })();
      const plan = await planCopy(store, new MemoryStore('m'), 'latest');
      const check = {
        image: 'i',
        match: 'app',
        requirements: { labels: { a: 'b' } },
        plan,
        source: { blob },
      };
      await expect(checkContent(check)).rejects.toMatchObject({ code: 'label_mismatch' });
    }
    expect(served).toBeLessThan(10);
  });

  it('are not met by an index without images', async () => {
    const store = new MemoryStore('up.example/app');
    store.tags.set('latest', indexWith(store, []).digest);
    expect(await codeOf({ labels: { a: 'b' } }, store)).toBe('label_mismatch');
  });
});
