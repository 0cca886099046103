import fc from 'fast-check';
import { type Digest, digestOf } from '../../../core/oci/digest.ts';
import type { HeldImage, References } from '../../../core/retention/plan.ts';

/** An image of a made-up repository. */
export interface MadeImage extends HeldImage {
  references: References;
  /** What the table says about it. */
  known: 'mapped' | 'history' | 'recent' | 'expired' | 'nothing';
}

export const day = 24 * 3_600_000;
export const now = Date.parse('2026-11-30T12:00:00.000Z');

/** The digest of an image that is only a number. */
export function digestNumber(number: number): Digest {
  return digestOf(Buffer.from(`image ${number}`));
}

/** An image with nothing special, pushed so many days ago. */
export function made(number: number, daysOld: number, more: Partial<MadeImage> = {}): MadeImage {
  return {
    digest: digestNumber(number),
    tags: [],
    pushedAt: now - daysOld * day,
    sizeBytes: 100,
    isIndex: false,
    known: 'nothing',
    references: {
      children: [],
      blobs: [{ digest: digestOf(Buffer.from(`blob ${number}`)), size: 10 }],
      bytes: 1,
    },
    ...more,
  };
}

/**
 * Repositories of any shape: indexes over earlier images, signatures of earlier images by subject
 * or by cosign's tag, former tags of ours (`v…`) and tags of others (`manual…`).
 */
export const repositories = fc
  .array(
    fc.record({
      days: fc.integer({ min: 0, max: 60 }),
      known: fc.constantFrom('mapped', 'history', 'recent', 'expired', 'nothing', 'nothing'),
      tag: fc.constantFrom('none', 'none', 'former', 'manual', 'cosign'),
      children: fc.array(fc.nat(), { maxLength: 3 }),
      subject: fc.option(fc.nat(), { nil: undefined }),
    }),
    { maxLength: 25 },
  )
  .map((shapes) =>
    shapes.map(({ days, known, tag, children, subject }, at): MadeImage => {
      const earlier = (pick: number) => digestNumber(pick % at);
      const below = at === 0 ? [] : [...new Set(children.map(earlier))];
      const owner = at === 0 || subject === undefined ? undefined : earlier(subject);
      const cosign = owner?.replace(':', '-');
      const tags = {
        none: [],
        former: [`v${at}`],
        manual: [`manual${at}`],
        cosign: cosign ? [`${cosign}.sig`] : [],
      };
      const image = made(at, days, { known: known as MadeImage['known'], tags: tags[tag] });
      return {
        ...image,
        isIndex: below.length > 0,
        references: { ...image.references, children: below, subject: tag === 'cosign' ? undefined : owner },
      };
    }),
  );

/** What an image needs, and what it belongs to. */
export function linksOf({ tags, references }: MadeImage): { children: Digest[]; subjects: string[] } {
  const bySubject = references.subject === undefined ? [] : [references.subject];
  const byTag = tags.filter((tag) => tag.startsWith('sha256-')).map((tag) => `sha256:${tag.slice(7, 71)}`);
  return { children: references.children, subjects: [...bySubject, ...byTag] };
}
