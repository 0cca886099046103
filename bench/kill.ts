import { seededFractions } from '../test/support/killed.ts';
import { copyKilled, type KilledCopy, sizeOf, startTwoRegistries } from '../test/support/killed-copy.ts';
import { type KilledParts, uploadKilled } from '../test/support/killed-parts.ts';
import { startPipeline } from '../test/support/pipeline.ts';
import { mebibyte } from './corpus.ts';
import { interruptible } from './interruption.ts';
import { markdownTable } from './statistics.ts';

/** Two gigabytes each: as many layers as are copied at once, and more. */
const copies = { 'few large layers': { layers: 24, mean: 90 }, 'many layers': { layers: 128, mean: 16 } };
/** A gigabyte in parts: from an upstream behind a wire, and from one without a limit. */
const uploads = { 'upstream at 25 MB/s': 25e6, 'upstream on loopback': undefined };
const layerBytes = 1024 * mebibyte;

/**
 * Kills the process that copies an image at ten seeded moments, restarts it each time, and reports
 * what was read again.
 */
export async function benchKill(): Promise<string> {
  const copied: string[][] = [];
  for (const [what, { layers, mean }] of Object.entries(copies)) {
    await using registries = await interruptible(() => startTwoRegistries());
    const sizes = seededFractions(what, layers).map((share) =>
      Math.round((0.25 + 1.5 * share) * mean * mebibyte),
    );
    const began = performance.now();
    const killed = await copyKilled(registries, { seed: what.replaceAll(' ', '-'), sizes });
    copied.push([what, ...copyFigures(killed), seconds(began)]);
    process.stderr.write(`kill ${copied.at(-1)?.join(' ')}\n`);
  }
  const uploaded: string[][] = [];
  for (const [what, bytesPerSecond] of Object.entries(uploads)) {
    await using pipeline = await interruptible(() =>
      startPipeline({ mirrorInstances: 0, layerInstances: 0 }),
    );
    if (bytesPerSecond !== undefined)
      pipeline.upstream.faults.add({
        match: { method: 'GET', path: '/blobs/' },
        action: { kind: 'slow', bytesPerSecond },
      });
    const began = performance.now();
    const killed = await uploadKilled(pipeline, { seed: 'parts', size: layerBytes });
    uploaded.push([what, ...partFigures(killed), seconds(began)]);
    process.stderr.write(`kill ${uploaded.at(-1)?.join(' ')}\n`);
  }
  return report(copied, uploaded);
}

function copyFigures({ image, interruptions, read, needless }: KilledCopy): string[] {
  const size = sizeOf(image.blobs);
  const inFlight = interruptions.map((each) => sizeOf(each.inFlight));
  const allowed = inFlight.reduce((sum, bytes) => sum + bytes, 0);
  if (needless.length > 0 || read > size + allowed)
    throw new Error(`${megabytes(read)} MB were read, ${needless.length} blobs more often than needed`);
  return [
    String(image.blobs.length - 1),
    megabytes(size),
    String(interruptions.length),
    megabytes(read - size),
    megabytes(allowed),
    String(Math.max(...interruptions.map((each) => each.inFlight.length))),
    String(needless.length),
  ];
}

function partFigures({ size, partSize, partsSent, interruptions, read }: KilledParts): string[] {
  const again = interruptions.map(({ to, noted }) => to - noted);
  return [
    megabytes(size),
    String(interruptions.length),
    megabytes(read - size),
    (again.reduce((sum, bytes) => sum + bytes, 0) / again.length / partSize).toFixed(2),
    (Math.max(...again) / partSize).toFixed(2),
    `${partsSent} of ${Math.ceil(size / partSize)}`,
  ];
}

function report(copied: string[][], uploaded: string[][]): string {
  return [
    '## Kill: SIGKILL at ten seeded moments, restarted each time',
    'Every image was pulled completely in the end. MB are what the source wrote to connections: bytes that it sent and nobody',
    'read count, too.',
    '',
    '`drayage copy` between two registries. Allowed: the sizes of the blobs in flight, over all interruptions. Needless: blobs that were',
    'read more often than once, plus once for each interruption that affected them.',
    '',
    markdownTable(
      ['', 'layers', 'MB', 'kills', 'MB read again', 'allowed', 'most in flight', 'needless', 'seconds'],
      copied,
    ),
    '',
    'The mirror function with one layer in parts of 10 MiB, each invocation a process. Read again in parts: on average, at most.',
    '',
    markdownTable(
      ['', 'MB', 'kills', 'MB read again', 'parts', 'at most', 'parts sent', 'seconds'],
      uploaded,
    ),
  ].join('\n');
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function seconds(began: number): string {
  return ((performance.now() - began) / 1000).toFixed(0);
}
