import { describe, expect, it } from 'vitest';
import { podCases, podCount } from '../../support/pods/cases.ts';
import { podMappings, podMirrorPrefix } from '../../support/pods/mappings.ts';
import type { Pod } from '../../support/pods/pod.ts';
import { rewritten } from '../../support/pods/rewritten.ts';
import { mappedSpellings, otherSpellings } from '../../support/pods/spellings.ts';

const cases = podCases();
const imagesOf = ({ spec }: Pod): string[] => [
  ...[spec.containers, spec.initContainers ?? [], spec.ephemeralContainers ?? []]
    .flat()
    .map(({ image }) => image),
  ...(spec.volumes ?? []).flatMap(({ image }) =>
    image === undefined ? [] : [(image as { reference: string }).reference],
  ),
];
const mappings = podMappings();

describe('the table of pods', () => {
  it('has every spelling in 200 pods, and every field that names an image', () => {
    expect(cases).toHaveLength(podCount);
    expect(mappedSpellings.length).toBeGreaterThanOrEqual(30);
    const written = new Set(
      cases.flatMap(({ pod, debugged }) => imagesOf(debugged?.pod ?? pod).concat(imagesOf(pod))),
    );
    for (const spelling of [...mappedSpellings, ...otherSpellings]) expect(written).toContain(spelling);
    expect(cases.filter(({ pod }) => pod.spec.initContainers)).not.toHaveLength(0);
    expect(cases.filter(({ pod }) => pod.spec.volumes?.some(({ image }) => image))).not.toHaveLength(0);
    expect(cases.filter(({ debugged }) => debugged)).not.toHaveLength(0);
  });

  it('changes all of the spellings that are mapped, and none of the others', () => {
    const pod = (image: string): Pod => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { containers: [{ name: 'c', image }] },
    });
    for (const image of mappedSpellings) {
      const [becomes] = imagesOf(rewritten(pod(image), mappings));
      expect(becomes, image).toMatch(/@sha256:[0-9a-f]{64}$/);
      expect(becomes?.startsWith(`${podMirrorPrefix}/`), image).toBe(true);
    }
    for (const image of otherSpellings) expect(imagesOf(rewritten(pod(image), mappings))).toEqual([image]);
  });

  it('expects the same again of what was rewritten', () => {
    for (const { expected, debugged } of cases) {
      expect(rewritten(expected, mappings)).toEqual(expected);
      if (debugged) expect(rewritten(debugged.expected, mappings)).toEqual(debugged.expected);
    }
  });
});
