import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Mapping } from '../../core/mapping/record.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { type SeededImage, seededImage } from '../support/seeded-image.ts';

describe('a tag that moves while clusters read it', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline();
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const moves = 100;
  const readers = 50;
  const image = 'ghcr.io/acme/moving:1.0';
  const pushed = (n: number): SeededImage =>
    seededImage({ seed: `move ${n}`, layers: [{ size: 2_000, seed: 'base' }, { size: 100 }] });

  const lookUp = () => pipeline.mapping(image);
  const resolve = async (): Promise<Mapping | undefined> => {
    const answer = await pipeline.post('/v1/mappings/resolve', { images: [image] });
    const { mappings } = (await answer.json()) as { mappings: Record<string, Mapping> };
    return mappings[image];
  };

  it('never sends a reader to an image that is not there, nor back to an older one', async () => {
    const order = new Map<string, number>();
    const faults: string[] = [];
    let answers = 0;
    let done = false;
    const read = async (ask: typeof lookUp) => {
      let last = -1;
      while (!done) {
        const mapping = await ask();
        if (mapping !== undefined) {
          const at = order.get(mapping.digest);
          if (at === undefined) faults.push(`${mapping.digest} was never pushed`);
          else if (at < last) faults.push(`move ${at} was answered after move ${last}`);
          last = Math.max(last, at ?? last);
          const { status } = await fetch(manifestUrl(mapping), { method: 'HEAD' });
          if (status !== 200) faults.push(`the mirror answers ${status} for move ${at}`);
          answers += 1;
        }
        await sleep(500);
      }
    };
    const reading = Array.from({ length: readers }, (_, n) => read(n % 2 === 0 ? lookUp : resolve));
    try {
      for (let n = 0; n < moves; n++) {
        const moved = pushed(n);
        order.set(moved.manifest.digest, n);
        const job = await pipeline.mirror('acme/moving', '1.0', moved);
        expect(job).toMatchObject({ state: 'committed', digest: moved.manifest.digest });
      }
    } finally {
      done = true;
      await Promise.all(reading);
    }
    expect(faults).toEqual([]);
    expect(answers).toBeGreaterThan(readers);
    expect(await lookUp()).toMatchObject({ digest: pushed(moves - 1).manifest.digest, revision: moves });
  }, 300_000);
});

/** Where a node asks for the image that a mapping names. */
function manifestUrl({ pinned }: Mapping): string {
  const [, host, repository, digest] = /^([^/]+)\/(.+)@(sha256:[0-9a-f]+)$/.exec(pinned) ?? [];
  return `http://${host}/v2/${repository}/manifests/${digest}`;
}
