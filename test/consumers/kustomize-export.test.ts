import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { MappingList } from '../../cli/mapping/look-up.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import { drayage } from '../support/drayage.ts';
import { mappedImages, spellingsOf } from '../support/hostile-names.ts';
import { mapped } from '../support/mapped.ts';
import { runProgram } from './nodes/programs.ts';

/** Mappings with awkward names, each image once, and how people could write them. */
function awkward(): { mappings: Mapping[]; references: string[] } {
  const samples = fc.sample(mappedImages, { seed: 37, numRuns: 6 }).flat();
  const byImage = new Map(
    [mapped('nginx:1.27'), mapped('nginx'), ...samples].map((each) => [each.image, each]),
  );
  const mappings = [...byImage.values()];
  const references = mappings.flatMap(({ image, digest }, index) => spellingsOf(image, digest, index));
  return { mappings, references: [...new Set(references)] };
}

describe('the export for kustomize, in kubectl kustomize', () => {
  let folder: string;
  const { mappings, references } = awkward();
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-kustomize-'));
    const file = join(folder, 'mapping.json');
    writeFileSync(file, JSON.stringify({ version: 1, mappings }));
    mkdirSync(join(folder, 'drayage'));
    const target = join(folder, 'drayage/kustomization.yaml');
    const result = await drayage(['export', 'kustomize', '--mapping', file, '-o', target]);
    expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
    const containers = references.map((image, index) => ({ name: `c${index}`, image }));
    const template = { spec: { initContainers: containers.slice(0, 3), containers } };
    const objects = [
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' }, spec: { template } },
      {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name: 'b' },
        spec: { jobTemplate: { spec: { template } } },
      },
    ];
    writeFileSync(join(folder, 'objects.yaml'), objects.map((each) => stringify(each)).join('---\n'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** All images of what kustomize prints, in order. */
  async function images(kustomization: object): Promise<string[]> {
    writeFileSync(join(folder, 'kustomization.yaml'), stringify(kustomization));
    const output = await runProgram('kubectl', ['kustomize', folder]);
    return [...output.matchAll(/image: (?:'|"|)(\S+?)(?:'|"|)$/gm)].map(([, image = '']) => image);
  }
  const list = new MappingList(mappings);
  const expected = references.map((image) => list.find(image)?.pinned ?? image);
  /** kustomize prints a Pod's containers before its init containers. */
  const inPod = [...expected, ...expected.slice(0, 3)];
  const inObjects = [...inPod, ...inPod];

  it('points what is mapped to the mirror as drayage rewrite does, and nothing else', async () => {
    expect(references.length).toBeGreaterThan(150);
    expect(expected.filter((image, index) => image !== references[index]).length).toBeGreaterThan(50);
    const rewritten = await images({ resources: ['objects.yaml'], components: ['drayage'] });
    expect(rewritten).toEqual(inObjects);
  });

  it('does the same as images of a plain kustomization, which Argo CD builds', async () => {
    const component = parse(readFileSync(join(folder, 'drayage/kustomization.yaml'), 'utf8'));
    expect(await images({ resources: ['objects.yaml'], images: component.images })).toEqual(inObjects);
  });
});
