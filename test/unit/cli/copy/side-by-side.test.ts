import { describe, expect, it } from 'vitest';
import { CopyFailure } from '../../../../cli/copy/explain.ts';
import { InterruptedError, imagesAtOnce, sideBySide } from '../../../../cli/copy/side-by-side.ts';
import { fixedConcurrency } from '../../../../core/async/concurrency.ts';

interface Image {
  repository: string;
  /** The code of its failure; absent: it is copied. */
  fails?: string;
}

const run = async (images: Image[]) => {
  const outcomes = await sideBySide<Image, undefined>(
    images,
    async ({ fails }) => {
      if (fails) throw new CopyFailure({ code: fails, message: 'refused' }, undefined);
      return { outcome: 'done', result: undefined };
    },
    {
      parallel: fixedConcurrency(1),
      signal: new AbortController().signal,
      groupOf: ({ repository }) => ({ registry: 'up.example', repository }),
      told: () => {},
    },
  );
  return outcomes.map(({ outcome }) => outcome);
};
const several = (count: number, image: Image) => Array.from({ length: count }, () => image);

describe('images side by side', () => {
  it('skip the rest of a registry when three in a row can’t reach it', async () => {
    const images = [...several(3, { repository: 'a', fails: 'CONNECTION' }), { repository: 'b' }];
    expect(await run(images)).toEqual(['failed', 'failed', 'failed', 'skipped']);
  });

  it.each(['DENIED', 'UNAUTHORIZED'])(
    'skip the rest of one repository after %s, and no other',
    async (fails) => {
      const images = [...several(4, { repository: 'a', fails }), { repository: 'b' }];
      expect(await run(images)).toEqual(['failed', 'failed', 'failed', 'skipped', 'done']);
    },
  );

  it('skip nothing for failures of the images, or that are not in a row', async () => {
    const broken = several(4, { repository: 'a', fails: 'DIGEST_INVALID' });
    expect(await run([...broken, { repository: 'a' }])).toEqual([...Array(4).fill('failed'), 'done']);
    const refused = { repository: 'a', fails: 'TIMEOUT' };
    const mixed = [refused, refused, { repository: 'a' }, refused, refused, { repository: 'a' }];
    expect(await run(mixed)).not.toContain('skipped');
  });

  it('end together when the signal does, and say which were under way', async () => {
    const abort = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    const running = sideBySide<Image, undefined>([{ repository: 'a' }, { repository: 'b' }], () => promise, {
      parallel: fixedConcurrency(1),
      signal: abort.signal,
      groupOf: ({ repository }) => ({ registry: '', repository }),
      told: () => expect.fail('nothing ended'),
    });
    const reason = new Error('interrupted');
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort(reason);
    reject(reason);
    const error = await running.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InterruptedError);
    expect((error as InterruptedError).underWay).toEqual([{ image: { repository: 'a' }, error: reason }]);
  });

  it('are four for each stream that all registries take, and 64 at most', () => {
    const streams = (value: number) => ({ streams: fixedConcurrency(value) });
    expect(imagesAtOnce(undefined, [streams(16), streams(3)]).value).toBe(12);
    expect(imagesAtOnce(undefined, [streams(64), streams(64)]).value).toBe(64);
    expect(imagesAtOnce(2, [streams(64)]).value).toBe(2);
  });
});
