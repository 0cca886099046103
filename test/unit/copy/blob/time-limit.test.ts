import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { copyBlob } from '../../../../core/copy/blob/copy-blob.ts';
import { StreamSpeed } from '../../../../core/copy/blob/time-limit.ts';
import { blobOf } from '../../../support/memory-image.ts';
import { MemoryStore } from '../../../support/memory-store.ts';
import { destinationLike, sourceLike } from '../../../support/recording-stores.ts';

const chunk = new Uint8Array(1024 * 1024);
const chunks = 64;
const blob = blobOf(new Uint8Array(chunks * chunk.byteLength));

/** A blob of 64 MiB that must arrive within ten minutes; `before` is awaited before each chunk. */
async function copyWaiting(before: (index: number) => Promise<void>): Promise<string[]> {
  const seen: string[] = [];
  const source = sourceLike(new MemoryStore('upstream'), {
    blob: async (_blob, options) => {
      seen.push(`read from ${options?.offset ?? 0}`);
      return (async function* () {
        for (let index = 0; index < chunks; index += 1) {
          await before(index);
          yield chunk;
        }
      })();
    },
  });
  const destination = destinationLike(new MemoryStore('mirror'), {
    uploadInParts: async (_blob, _read) => void seen.push('in parts'),
  });
  const timeLimit = { endsAt: Date.now() + 600_000, speed: new StreamSpeed() };
  await copyBlob(source, destination, blob, { timeLimit, pause: async () => {} });
  return seen;
}

describe('a large blob that must arrive in time', () => {
  beforeEach(
    () => void vi.useFakeTimers({ toFake: ['performance', 'Date', 'setInterval', 'clearInterval'] }),
  );
  afterEach(() => void vi.useRealTimers());

  it('does not count as slow while its first byte is awaited', async () => {
    const late = async (index: number) => {
      if (index === 0) await vi.advanceTimersByTimeAsync(45_000);
    };
    expect(await copyWaiting(late)).toEqual(['read from 0']);
  });

  it('continues in parts when its bytes come too slowly', async () => {
    const slow = async (index: number) => {
      if (index > 0) await vi.advanceTimersByTimeAsync(60_000);
    };
    expect(await copyWaiting(slow)).toEqual(['read from 0', 'in parts']);
  });
});
