import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Knowledge, leastAgeMs, planRetention, type References } from '../../../core/retention/plan.ts';
import '../../support/fixed-seed.ts';
import { day, digestNumber, linksOf, type MadeImage, made, now, repositories } from './repository.ts';

function knowledgeOf(images: MadeImage[], more: Partial<Knowledge> = {}): Knowledge {
  const those = (known: MadeImage['known']) =>
    new Set(images.filter((image) => image.known === known).map(({ digest }) => digest));
  return {
    mapped: those('mapped'),
    history: those('history'),
    lookedUp: those('recent'),
    formerTags: new Set(images.flatMap(({ tags }) => tags.filter((tag) => tag.startsWith('v')))),
    now,
    keepNewest: 0,
    unmappedForMs: 0,
    ...more,
  };
}

function plan(images: MadeImage[], more?: Partial<Knowledge>, unreadable: number[] = []) {
  const references = new Map<string, References>(images.map((image) => [image.digest, image.references]));
  for (const number of unreadable) references.delete(digestNumber(number));
  const made = planRetention(
    images,
    references as Map<MadeImage['digest'], References>,
    knowledgeOf(images, more),
  );
  return { ...made, gone: new Set(made.going.map(({ digest }) => digest)) };
}

describe('a plan', () => {
  it('never lets go what is mapped, pinned, in the history, new or tagged by others, nor what those need', () => {
    fc.assert(
      fc.property(repositories, fc.nat(5), fc.nat(40), (images, keepNewest, days) => {
        const { gone, staying } = plan(images, { keepNewest, unmappedForMs: days * day });
        for (const image of images) {
          const { digest, known, tags, pushedAt = now } = image;
          const { children, subjects } = linksOf(image);
          if (gone.has(digest)) {
            expect(['mapped', 'history', 'recent']).not.toContain(known);
            expect(tags.filter((tag) => tag.startsWith('manual'))).toEqual([]);
            expect(now - pushedAt).toBeGreaterThanOrEqual(Math.max(leastAgeMs, days * day));
            for (const subject of subjects) expect(staying.has(subject as typeof digest)).toBe(false);
          } else for (const child of children) expect(gone.has(child)).toBe(false);
        }
        expect(gone.size + staying.size).toBe(images.length);
      }),
      { numRuns: 150 },
    );
  });

  it('lets everything else go', () => {
    fc.assert(
      fc.property(repositories, (images) => {
        const old = images.map((image) => ({
          ...image,
          pushedAt: now - 60 * day,
          known: 'expired' as const,
        }));
        const free = old.map((image) => ({
          ...image,
          tags: image.tags.filter((tag) => !tag.startsWith('manual')),
        }));
        expect(plan(free).gone.size).toBe(free.length);
      }),
    );
  });

  it('keeps the newest images that stand on their own', () => {
    const subject = digestNumber(2);
    const images = [
      made(1, 40),
      made(2, 30),
      made(3, 20, { references: { children: [], subject, blobs: [], bytes: 1 } }),
      made(4, 10),
    ];
    const { staying, gone } = plan(images, { keepNewest: 2 });
    expect([...gone]).toEqual([digestNumber(1)]);
    expect(staying.get(digestNumber(3))).toBe('needed');
    expect(staying.get(digestNumber(4))).toBe('newest');
  });

  it('keeps an image whose manifest could not be read', () => {
    const { staying } = plan([made(1, 40)], {}, [1]);
    expect(staying.get(digestNumber(1))).toBe('unreadable');
  });

  it('keeps what an index may need whose manifest could not be read', () => {
    const index = made(2, 40, { isIndex: true, known: 'mapped' });
    index.references.children = [digestNumber(1)];
    expect(plan([made(1, 40), index], {}, [2]).gone.size).toBe(0);
    expect(plan([made(1, 40), made(3, 40), index]).gone).toEqual(new Set([digestNumber(3)]));
  });

  it('keeps an image whose age nobody knows', () => {
    const { gone } = plan([made(1, 0, { pushedAt: undefined })]);
    expect(gone.size).toBe(0);
  });
});
