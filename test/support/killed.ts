import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../../core/oci/digest.ts';
import type { EmbeddedRegistry } from '../../local/ecr/server.ts';
import { seededBytes } from './seeded-layer.ts';

/** Numbers from 0 to 1, the same for the same seed. */
export function seededFractions(seed: string, count: number): number[] {
  const bytes = Buffer.from(seededBytes(seed, 4 * count));
  return Array.from({ length: count }, (_, at) => bytes.readUInt32LE(4 * at) / 2 ** 32);
}

/** How often a blob was requested, and how many of its bytes were passed to a connection. */
export interface BlobReads {
  times: number;
  bytes: number;
}

/** What a registry has served of its blobs, after this many requests in its log. */
export function blobReads({ requests }: EmbeddedRegistry, since = 0): Map<Digest, BlobReads> {
  const reads = new Map<Digest, BlobReads>();
  for (const { method, path, bytesOut } of requests.slice(since)) {
    const digest = /\/blobs\/(sha256:[0-9a-f]{64})$/.exec(path)?.[1] as Digest | undefined;
    if (method !== 'GET' || digest === undefined) continue;
    const before = reads.get(digest) ?? { times: 0, bytes: 0 };
    reads.set(digest, { times: before.times + 1, bytes: before.bytes + bytesOut });
  }
  return reads;
}

/** The bytes of all of them. */
export function bytesOf(reads: Map<Digest, BlobReads>): number {
  return [...reads.values()].reduce((sum, { bytes }) => sum + bytes, 0);
}

/** A process that is to be killed: `end` sends it the signal. */
interface Killable<T> {
  ended: Promise<T>;
  end(signal: NodeJS.Signals): Promise<T>;
}

/**
 * Kills a process at the moment that `isNow` determines, which is called every millisecond.
 *
 * @returns how it ended, and whether it was killed: it may have ended before.
 */
export async function killWhen<T extends { code: number | null }>(
  running: Killable<T>,
  isNow: () => boolean,
): Promise<{ killed: boolean; result: T }> {
  let ended = false;
  const end = running.ended.finally(() => {
    ended = true;
  });
  while (!ended && !isNow()) await sleep(1);
  const result = ended ? await end : await running.end('SIGKILL');
  // A process that a signal ended has no exit code.
  return { killed: result.code === null, result };
}
