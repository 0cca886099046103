import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TagsReport } from '../../cli/copy/run.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { startDrayage } from '../support/drayage.ts';
import { blobReads, killWhen, seededFractions } from '../support/killed.ts';
import { startTwoRegistries, type TwoRegistries } from '../support/killed-copy.ts';
import { pushImage, type SeededImage, seededImage } from '../support/seeded-image.ts';

const tags = Array.from({ length: 60 }, (_, index) => `1.${index}`);
/** How long the destination may take to store or drop what a killed process had sent it. */
const settleMs = 200;

describe('drayage copy --all-tags that is killed halfway and started again', { timeout: 120_000 }, () => {
  let registries: TwoRegistries;
  const images = new Map<string, SeededImage>();
  beforeAll(async () => {
    registries = await startTwoRegistries();
    for (const tag of tags) {
      const own = [{ size: 16_000 }, { size: 12_000 }];
      const image = seededImage({ seed: `tag ${tag}`, layers: [{ size: 1_000_000, seed: 'base' }, ...own] });
      images.set(tag, image);
      await pushImage(registries.from.endpoint, 'app', tag, image);
    }
  });
  afterAll(() => registries[Symbol.asyncDispose]());

  it.each(seededFractions('moments', 3).map((share, index) => [index, 0.1 + 0.7 * share] as const))(
    'does not read a blob again that had arrived: moment %i',
    async (index, share) => {
      const { from, to } = registries;
      const repository = `killed-${index}`;
      const copy = () =>
        startDrayage([
          ...['copy', '--all-tags', '--plain-http', '--json'],
          ...[`${from.host}/app`, `${to.host}/${repository}`],
        ]);
      const begun = from.requests.length;
      const total = new Set([...images.values()].flatMap(({ blobs }) => [...blobs.keys()])).size;
      const { killed, result } = await killWhen(copy(), () => blobReads(from, begun).size >= share * total);
      expect(killed, result.stderr).toBe(true);
      await sleep(settleMs);
      const arrived = [...blobReads(from, begun).keys()].filter((digest) => to.hasBlob(repository, digest));
      expect(arrived.length).toBeGreaterThan(0);

      const again = from.requests.length;
      const { code, stdout, stderr } = await copy().ended;
      expect(code, stderr).toBe(0);
      const { copied, equal } = JSON.parse(stdout) as TagsReport;
      expect(copied + equal).toBe(tags.length);
      const readAgain = blobReads(from, again);
      expect(arrived.filter((digest) => readAgain.has(digest))).toEqual([]);
      for (const tag of tags) expect(to.tag(repository, tag)).toBe(images.get(tag)?.manifest.digest);
      // Within each run, too, what all tags share was transferred at most once.
      const base = images.get('1.0')?.layers[0]?.digest as Digest;
      expect(readAgain.get(base)?.times ?? 0).toBeLessThanOrEqual(1);
    },
  );
});
