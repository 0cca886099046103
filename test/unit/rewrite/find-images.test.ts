import { describe, expect, it } from 'vitest';
import { formatReference, parseReference, type Reference } from '../../../core/oci/reference.ts';
import { rewrite } from '../../../core/rewrite/edits.ts';
import { findImages } from '../../../core/rewrite/find-images.ts';
import { actionsCases, composeCases, dockerfileCases } from './cases/files.ts';
import { objects, spellings, streams } from './cases/kubernetes.ts';
import { unmark } from './cases/marked.ts';

const tables = { objects, spellings, streams, composeCases, actionsCases, dockerfileCases };

function inMirror(image: string): Reference {
  const { registry, repository, tag, digest } = parseReference(image);
  return {
    registry: 'mirror.example:5000',
    repository: `mirror/${registry
      .toLowerCase()
      .replaceAll(/[^a-z0-9.]+/g, '_')
      .replace(/^_/, '')}/${repository}`,
    digest: digest ?? `sha256:${(tag ?? '').length.toString(16).padStart(64, 'a')}`,
  };
}

describe.each(Object.entries(tables))('%s', (_name, cases) => {
  it.each(cases)('$what', ({ kind, marked, leftAlone = [] }) => {
    const { text, images } = unmark(marked);
    const found = findImages(text, kind);
    expect(found.unreadable).toEqual([]);
    expect(found.images.map(({ image, start }) => ({ image, start }))).toEqual(images);
    expect(found.leftAlone.map(({ why, text: left }) => `${why} ${left}`)).toEqual(leftAlone);

    const edits = found.images.flatMap((image) => image.edits(inMirror(image.image)));
    const changed = rewrite(text, edits);
    expect(changed).toBe(marked.replaceAll(/«([^»]*)»/g, (_all, image) => formatReference(inMirror(image))));
    // What was changed is read as it was meant, and the second time nothing is left to change.
    const again = findImages(changed, kind);
    expect(again.images.map(({ image }) => image)).toEqual(
      images.map(({ image }) => formatReference(inMirror(image))),
    );
  });
});
