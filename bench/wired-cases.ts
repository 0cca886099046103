import type { SeededImage, SeededIndex } from '../test/support/seeded-image.ts';
import { manyIndex, multiIndex, webImage, wideImage } from './corpus.ts';
import type { Work } from './limits.ts';

/** What to copy, and what the mirror already has. */
export interface WiredCase {
  name: string;
  what: string;
  image: SeededImage | SeededIndex;
  /** Already in the mirror's repository, under another tag unless it is the image itself. */
  before?: SeededImage | SeededIndex;
}

/** Creates the cases with the given names, or all. @throws for an unknown name */
export function wiredCases(names?: string[]): WiredCase[] {
  const unknown = names?.find((name) => !makers.some((maker) => maker.name === name));
  if (unknown !== undefined) {
    throw new Error(`there is no case ${unknown}: ${makers.map(({ name }) => name).join(', ')}`);
  }
  return makers
    .filter(({ name }) => !names || names.includes(name))
    .map(({ name, what, make }) => ({ name, what, ...make() }));
}

/** The work that a case requires. */
export function workOf({ image, before }: WiredCase): Work {
  const missing = [...image.blobs].filter(([digest]) => before?.blobs.has(digest) !== true);
  return {
    isIndex: image.kind === 'index',
    missing: { blobs: missing.length, largest: Math.max(0, ...missing.map(([, bytes]) => bytes.length)) },
  };
}

const makers: { name: string; what: string; make: () => Pick<WiredCase, 'image' | 'before'> }[] = [
  {
    name: 'web',
    what: 'web, cold: 3 × 20 MB, 10 × 1 MB and 2 × 3 MB',
    make: () => ({ image: webImage(1) }),
  },
  {
    name: 'web-next',
    what: 'web, next version: the last two layers changed',
    make: () => ({ image: webImage(2), before: webImage(1) }),
  },
  {
    name: 'web-again',
    what: 'web, nothing to do',
    make: () => ({ image: webImage(1), before: webImage(1) }),
  },
  {
    name: 'multi',
    what: 'multi, cold: 3 platforms × (2 × 10 MB and 6 × 1 MB)',
    make: () => ({ image: multiIndex() }),
  },
  { name: 'wide', what: 'wide, cold: 100 × 256 KB', make: () => ({ image: wideImage() }) },
  {
    name: 'many',
    what: 'many, cold: 12 platforms × 8 × 512 KB',
    make: () => ({ image: manyIndex() }),
  },
  {
    name: 'many-again',
    what: 'many, nothing to do',
    make: () => ({ image: manyIndex(), before: manyIndex() }),
  },
];
