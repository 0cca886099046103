import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { startDrayage } from './drayage.ts';
import { blobReads, bytesOf, killWhen, seededFractions } from './killed.ts';
import { expectPulled, pushStreamedImage, type StreamedImage } from './streamed-image.ts';

/** Two registries that keep their blobs on disk. */
export interface TwoRegistries extends AsyncDisposable {
  from: EmbeddedRegistry;
  to: EmbeddedRegistry;
}

/** One copy that was killed. */
export interface Interruption {
  /** The bytes that it had read, and the bytes that the destination lacked when it began. */
  read: number;
  missing: number;
  /** The blobs that were requested and were not in the destination when the process was gone. */
  inFlight: Descriptor[];
}

/** A copy that was killed again and again, and what it read. */
export interface KilledCopy {
  image: StreamedImage;
  interruptions: Interruption[];
  /** What the source has served of blobs, in all runs together. */
  read: number;
  /** Blobs of which more was read than once, plus once for each interruption that met them. */
  needless: Descriptor[];
  /** Standard output of the copy that was not killed. */
  output: string;
}

const repository = 'killed/image';
/** How long the destination may take to store or drop what a killed process had sent it. */
const settleMs = 200;
/**
 * The latest moment to kill a copy, as a share of what it has to read. What is left is enough for
 * all the others.
 */
const latest = 0.75;

/** Starts them in their own folder, which is removed with them. */
export async function startTwoRegistries(): Promise<TwoRegistries> {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-killed-'));
  const start = (name: string) =>
    startRegistry({ flavour: 'distribution', data: join(folder, name), requestLogSize: 100_000 });
  const [from, to] = await Promise.all([start('from'), start('to')]);
  return {
    from,
    to,
    async [Symbol.asyncDispose]() {
      await Promise.all([from.stop(), to.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Runs `drayage copy` and kills it at a seeded moment, ten times by default, then lets it finish.
 * The moment is when it has read a certain share of what the destination lacks.
 *
 * @throws Error if a copy ended too early by itself or failed, or if anything of the image is not
 *   right in the end
 */
export async function copyKilled(
  { from, to }: TwoRegistries,
  { seed, sizes, kills = 10 }: { seed: string; sizes: number[]; kills?: number },
): Promise<KilledCopy> {
  const place = (registry: EmbeddedRegistry) => ({ endpoint: registry.endpoint, repository, tag: seed });
  const image = await pushStreamedImage(
    place(from),
    sizes.map((size, at) => ({ seed: `${seed} ${at}`, size })),
  );
  const images = [from, to].map(({ host }) => `${host}/${repository}:${seed}`);
  const copy = () => startDrayage(['copy', ...images, '--plain-http', '--json']);
  const isMissing = ({ digest }: Descriptor) => !to.hasBlob(repository, digest);
  const begun = from.requests.length;
  const interruptions: Interruption[] = [];
  for (const share of seededFractions(`${seed} moments`, kills)) {
    const since = from.requests.length;
    const missing = sizeOf(image.blobs.filter(isMissing));
    const { killed, result } = await killWhen(
      copy(),
      () => bytesOf(blobReads(from, since)) >= share * latest * missing,
    );
    if (!killed) throw new Error(`the copy ended with ${result.code} before its moment: ${result.stderr}`);
    const reads = blobReads(from, since);
    const inFlight = image.blobs.filter((blob) => reads.has(blob.digest) && isMissing(blob));
    interruptions.push({ read: bytesOf(reads), missing, inFlight });
    await sleep(settleMs);
  }
  const last = await copy().ended;
  if (last.code !== 0) throw new Error(`the last copy ended with ${last.code}: ${last.stderr}`);
  await expectPulled(place(to), image);
  const reads = blobReads(from, begun);
  const needless = image.blobs.filter((blob) => {
    const met = interruptions.filter(({ inFlight }) => inFlight.includes(blob)).length;
    return (reads.get(blob.digest)?.bytes ?? 0) > blob.size * (1 + met);
  });
  return { image, interruptions, read: bytesOf(reads), needless, output: last.stdout };
}

/** The bytes of these blobs. */
export function sizeOf(blobs: Descriptor[]): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}
