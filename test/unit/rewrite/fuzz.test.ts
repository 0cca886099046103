import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatReference, parseReference, type Reference } from '../../../core/oci/reference.ts';
import { inOrder, rewrite } from '../../../core/rewrite/edits.ts';
import { findImages } from '../../../core/rewrite/find-images.ts';
import type { Found } from '../../../core/rewrite/found.ts';
import { type FileKind, fileKinds } from '../../../core/rewrite/kinds.ts';
import { blockYaml, dockerSoup, pod, reference, yamlSoup } from './arbitrary.ts';

const numRuns = 20_000;
const timeout = 600_000;
const inMirror = (image: string): Reference => ({
  registry: 'm.example',
  repository: `mirror/${parseReference(image).repository}`.slice(0, 200).replace(/[^a-z0-9]+$/, ''),
  digest: `sha256:${'0'.repeat(64)}`,
});

/**
 * A definite answer: places within the text, references that can be parsed, edits that don't
 * overlap, and a text that differs from the first one only there.
 */
function checkAnswer(text: string, kind: FileKind): Found {
  const found = findImages(text, kind);
  for (const { start } of [...found.images, ...found.leftAlone, ...found.unreadable]) {
    expect(start).toBeGreaterThanOrEqual(0);
    expect(start).toBeLessThanOrEqual(text.length);
  }
  const edits = inOrder(found.images.flatMap(({ image, edits: to }) => to(inMirror(image))));
  const changed = rewrite(text, edits);
  // Putting the old texts back where the new ones are gives the first text again.
  let moved = 0;
  const back = edits.map(({ start, end, text: added }) => {
    const from = start + moved;
    moved += added.length - (end - start);
    return { start: from, end: from + added.length, text: text.slice(start, end) };
  });
  expect(rewrite(changed, back)).toBe(text);
  for (const { start, end } of edits) expect(text.slice(start, end)).not.toMatch(/[\n#]/);
  return found;
}

describe(`for ${numRuns} texts, there is a definite answer`, () => {
  it('for YAML', { timeout }, () => {
    const yamlKinds = fileKinds.filter((kind) => kind !== 'dockerfile');
    fc.assert(
      fc.property(yamlSoup, fc.constantFrom(...yamlKinds), (text, kind) => void checkAnswer(text, kind)),
      { numRuns },
    );
  });

  it('for objects of any shape: leaving out what is not needed changes nothing', { timeout }, () => {
    let compared = 0;
    fc.assert(
      fc.property(fc.oneof({ weight: 9, arbitrary: blockYaml }, yamlSoup), (text) => {
        // With another path to search, everything is read.
        const everything = { imagePaths: [{ kind: 'None', path: ['x'] }] };
        const found = findImages(text, 'kubernetes', everything);
        if (found.unreadable.length > 0) return;
        const facts = ({ images, leftAlone }: Found) => [
          images.map(({ image, start, edits }) => ({ image, start, edits: edits(inMirror(image)) })),
          leftAlone,
        ];
        expect(facts(checkAnswer(text, 'kubernetes'))).toEqual(facts(found));
        if (found.images.length > 0) compared++;
      }),
      { numRuns },
    );
    expect(compared).toBeGreaterThan(numRuns / 20);
  });

  it('for Dockerfiles', { timeout }, () => {
    fc.assert(
      fc.property(dockerSoup, (text) => void checkAnswer(text, 'dockerfile')),
      { numRuns },
    );
  });

  it('for references in Pods: each is found, and each is replaced', { timeout }, () => {
    fc.assert(
      fc.property(pod, ({ text, images }) => {
        const found = checkAnswer(text, 'kubernetes');
        expect(found.images.map(({ image }) => image)).toEqual(images);
        const changed = rewrite(
          text,
          found.images.flatMap(({ image, edits }) => edits(inMirror(image))),
        );
        expect(findImages(changed, 'kubernetes').images.map(({ image }) => image)).toEqual(
          images.map((image) => formatReference(inMirror(image))),
        );
      }),
      { numRuns },
    );
  });

  it('for references in Dockerfiles', { timeout }, () => {
    fc.assert(
      fc.property(reference, reference, (base, from) => {
        const text = `FROM ${base} AS a\nCOPY --from=${from} b c\n`;
        // Numbers are stages, and so is the name of one.
        fc.pre(base !== 'scratch' && from !== 'scratch' && !/^(\d+|a)$/i.test(from));
        expect(checkAnswer(text, 'dockerfile').images.map(({ image }) => image)).toEqual([base, from]);
      }),
      { numRuns },
    );
  });
});
