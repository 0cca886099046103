import { describe, expect, it } from 'vitest';
import { podCases } from '../../support/pods/cases.ts';
import type { Pod } from '../../support/pods/pod.ts';
import { answered, debugReviewOf, patched, patchOf, reviewOf } from './reviews.ts';

const prefix = 'original-image.drayage.dev/';

/** The expected Pod with the annotations that go with it. */
function annotated(pod: Pod, expected: Pod): Pod {
  const containers = (each: Pod) => [...(each.spec.initContainers ?? []), ...each.spec.containers];
  const after = new Map(containers(expected).map(({ name, image }) => [name, image]));
  const originals = containers(pod)
    .filter(({ name, image }) => after.get(name) !== image)
    .map(({ name, image }) => [prefix + name, image]);
  if (originals.length === 0) return expected;
  const annotations = { ...expected.metadata.annotations, ...Object.fromEntries(originals) };
  return { ...expected, metadata: { ...expected.metadata, annotations } };
}

describe('the table of pods', () => {
  it.each(podCases())(
    '$name gets the images that drayage rewrite gives it',
    async ({ pod, expected, debugged }) => {
      const { answer } = await answered(reviewOf({ object: pod }));
      const once = patched(pod, answer);
      expect(once).toEqual(annotated(pod, expected));
      // Nothing is left to do, and to apply the same patch again changes nothing.
      expect((await answered(reviewOf({ object: once }))).answer.response.patch).toBeUndefined();
      expect(patched(once, answer)).toEqual(once);
      if (!debugged) return;
      const added = (await answered(debugReviewOf(debugged.pod, expected))).answer;
      expect(patched(debugged.pod, added)).toEqual(debugged.expected);
    },
  );

  it('changes something in most of them, and only images and annotations', async () => {
    const cases = podCases();
    let changed = 0;
    for (const { pod } of cases) {
      const paths = patchOf((await answered(reviewOf({ object: pod }))).answer).map(({ path }) => path);
      if (paths.length > 0) changed++;
      for (const path of paths)
        expect(path).toMatch(
          /^\/spec\/(initContainers|containers)\/\d+\/image$|^\/spec\/volumes\/\d+\/image\/reference$|^\/metadata\/annotations(\/original-image\.drayage\.dev~1[a-z0-9-]+)?$/,
        );
    }
    expect(changed).toBeGreaterThan(cases.length / 2);
  });
});
