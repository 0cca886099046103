import { describe, expect, it } from 'vitest';
import { parseImagePath } from '../../../cli/rewrite/parse-image-path.ts';
import { formatReference, parseReference } from '../../../core/oci/reference.ts';
import { rewrite } from '../../../core/rewrite/edits.ts';
import { findImages } from '../../../core/rewrite/find-images.ts';
import { kindOfFile } from '../../../core/rewrite/kinds.ts';
import { differsOnlyInMarks, plainText, shapes } from '../../support/shapes/read-shapes.ts';

const inMirror = (image: string) => {
  const { registry, repository } = parseReference(image);
  const digest = `sha256:${'5'.repeat(64)}` as const;
  return { registry: 'mirror.example', repository: `m/${registry.replace(':', '_')}/${repository}`, digest };
};

describe('files as charts and projects have them', () => {
  it('are fifty, and each file once', () => {
    expect(shapes.length).toBeGreaterThanOrEqual(50);
    expect(new Set(shapes.map(({ path }) => path)).size).toBe(shapes.length);
  });

  it.each(shapes)('$what', (shape) => {
    const text = plainText(shape);
    const kind = kindOfFile(shape.path, text);
    if (kind === undefined) throw new Error(`neither name nor content tells what ${shape.path} is`);
    const options = { imagePaths: shape.imagePaths.map(parseImagePath) };
    const found = findImages(text, kind, options);
    expect(found.unreadable).toEqual([]);
    const images = [...new Set(found.images.map(({ image }) => image))];
    expect(images.toSorted()).toEqual(shape.images.toSorted());
    expect(found.leftAlone.map(({ why, text: left }) => `${why} ${left}`)).toEqual(shape.leftAlone);

    const changed = rewrite(
      text,
      found.images.flatMap((image) => image.edits(inMirror(image.image))),
    );
    expect(differsOnlyInMarks(shape, changed), changed).toBe(true);
    const again = findImages(changed, kind, options).images.map(({ image }) => parseReference(image));
    const expected = found.images.map(({ image }) => formatReference(inMirror(image)));
    // Some values keep their tag beside the digest.
    expect(again.map(({ tag, ...reference }) => formatReference(reference))).toEqual(expected);
  });
});
