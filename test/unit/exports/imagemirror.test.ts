import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { maxObjectBytes } from '../../../core/exports/formats/imagemirror.ts';
import { imageMirrorDefinition } from '../../../core/exports/manifests/admission-policy/image-mirror-crd.ts';
import { maxShards, shardNames } from '../../../core/exports/manifests/admission-policy/sync-script.ts';
import type { Mapping } from '../../../core/mapping/record.ts';
import { digestOf, fillerMappings, podMappings, podMirrorPrefix } from '../../support/pods/mappings.ts';
import { exportText } from '../../support/sync/fake-export.ts';

interface ImageMirror {
  apiVersion: string;
  kind: string;
  metadata: { name: string; annotations?: Record<string, string> };
  spec: { repositories: Record<string, string> };
}

/** Read as the JSON that it is: YAML takes seconds for megabytes. */
const objectsOf = (text: string) =>
  text
    .replace(/^#.*\n/gm, '')
    .split('---\n')
    .slice(1)
    .map((part) => JSON.parse(part) as ImageMirror);
const template = podMappings()[0] as Mapping;

function mapping(image: string, digest: Mapping['digest'], more: Partial<Mapping> = {}): Mapping {
  const repository = `${podMirrorPrefix}/x`;
  return { ...template, image, digest, sourceDigest: digest, pinned: `${repository}@${digest}`, ...more };
}

describe('the export imagemirror', () => {
  it('is one object with a key per repository, and its images from new to old', async () => {
    const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')];
    const text = await exportText([
      mapping('ghcr.io/b/b:1', a, { mirroredAt: '2026-01-01T00:00:00.000Z' }),
      mapping('ghcr.io/b/b:2', b, { mirroredAt: '2026-01-03T00:00:00.000Z' }),
      mapping(`ghcr.io/b/b@${c}`, c, { mirroredAt: '2026-01-02T00:00:00.000Z' }),
      // A tag points to it, so it is there already.
      mapping(`ghcr.io/b/b@${a}`, a, { mirroredAt: '2026-01-04T00:00:00.000Z' }),
      mapping('ghcr.io/a/a:1', a),
    ]);
    expect(objectsOf(text)).toEqual([
      {
        apiVersion: 'drayage.dev/v1',
        kind: 'ImageMirror',
        metadata: { name: 'main' },
        spec: {
          repositories: {
            'ghcr.io/a/a': `${podMirrorPrefix}/x,1=${a},`,
            'ghcr.io/b/b': `${podMirrorPrefix}/x,2=${b},${c}=${c},1=${a},`,
          },
        },
      },
    ]);
    expect(text.endsWith('\n}}}\n# complete: 1\n')).toBe(true);
    expect(parseAllDocuments(text).map((each) => each.toJS())).toEqual(objectsOf(text));
  });

  it('does not depend on the order of the mappings', async () => {
    const all = podMappings();
    expect(await exportText(all.toReversed())).toBe(await exportText(all));
  });

  it('leaves out what a pod can not be sent to: sha512, other digests, another mirror', async () => {
    const [a, b] = [digestOf('a'), digestOf('b')];
    const long = `sha512:${'a'.repeat(128)}` as const;
    const text = await exportText([
      mapping('ghcr.io/a/a:1', a),
      mapping('ghcr.io/a/a:2', long),
      mapping(`ghcr.io/a/a@${b}`, a),
      mapping('ghcr.io/a/a:3', b, { pinned: `other.example/y@${b}`, mirroredAt: '2020-01-01T00:00:00.000Z' }),
    ]);
    expect(objectsOf(text)[0]?.spec.repositories).toEqual({ 'ghcr.io/a/a': `${podMirrorPrefix}/x,1=${a},` });
  });

  it('has an object that a cluster refuses if nothing is mapped', async () => {
    expect(objectsOf(await exportText([]))[0]?.spec.repositories).toEqual({});
  });

  it('becomes several objects, each small enough, with main at the end', async () => {
    const mappings = fillerMappings(40_000);
    const text = await exportText(mappings);
    const objects = objectsOf(text);
    expect(objects.map(({ metadata }) => metadata.name)).toEqual(['main-4', 'main-3', 'main-2', 'main']);
    expect(objects.every(({ metadata }) => metadata.annotations?.['drayage.dev/shards'] === '4')).toBe(true);
    for (const part of text.split('---\n')) expect(Buffer.byteLength(part)).toBeLessThan(maxObjectBytes);
    const all = objects.flatMap(({ spec }) => Object.entries(spec.repositories));
    expect(new Set(all.map(([name]) => name)).size).toBe(all.length);
    const one = objectsOf(await exportText(mappings.slice(0, 12_000)));
    expect(one.map(({ metadata }) => metadata)).toEqual([{ name: 'main' }]);
    expect(all.flatMap(([, value]) => value.match(/=sha256:/g) ?? [])).toHaveLength(40_000);
    expect(text.endsWith('# complete: 4\n')).toBe(true);
  }, 30_000);

  it('never has more objects than a cluster takes, whatever the sizes of repositories', async () => {
    for (const large of [4, 14]) {
      const images = (repository: string, count: number) =>
        Array.from({ length: count }, (_, at) => mapping(`ghcr.io/${repository}:${at}`, digestOf(`${at}`)));
      const mappings = [
        ...Array.from({ length: large }, (_, at) => images(`large/x${at}`, 9_500)).flat(),
        ...Array.from({ length: 300 }, (_, at) => images(`small/x${at}`, 1)).flat(),
      ];
      const text = await exportText(mappings);
      const objects = objectsOf(text);
      expect(objects.length).toBeLessThanOrEqual(maxShards);
      expect(objects.map(({ metadata }) => metadata.name)).toEqual(
        shardNames.slice(0, objects.length).toReversed(),
      );
      for (const part of text.split('---\n')) expect(Buffer.byteLength(part)).toBeLessThan(maxObjectBytes);
      const all = objects.flatMap(({ spec }) => Object.entries(spec.repositories));
      expect(new Set(all.map(([name]) => name)).size).toBe(large + 300);
      expect(all.flatMap(([, value]) => value.match(/=sha256:/g) ?? [])).toHaveLength(mappings.length);
    }
  }, 60_000);

  it('loses the oldest images of a repository that is too large for an object', async () => {
    const images = Array.from({ length: 15_000 }, (_, index) =>
      mapping(`ghcr.io/a/a:${index}`, digestOf(`${index}`), {
        mirroredAt: new Date(Date.UTC(2026, 0, 1) + index * 1_000).toISOString(),
      }),
    );
    const value = objectsOf(await exportText(images))[0]?.spec.repositories['ghcr.io/a/a'] ?? '';
    expect(value.length).toBeGreaterThan(990_000);
    expect(value.length).toBeLessThanOrEqual(1_000_000);
    expect(value).toMatch(/^[^,]+,14999=sha256:/);
    expect(value).toMatch(/=sha256:[0-9a-f]{64},$/);
  });

  it('fits the definition of its objects', async () => {
    const schema = imageMirrorDefinition.spec.versions[0]?.schema.openAPIV3Schema.properties.spec;
    const pattern = new RegExp(schema?.properties.repositories.additionalProperties.pattern ?? '^$');
    for (const { spec } of objectsOf(await exportText(podMappings())))
      for (const value of Object.values(spec.repositories)) expect(value).toMatch(pattern);
  });
});
