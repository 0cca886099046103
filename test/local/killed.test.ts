import { describe, expect, it } from 'vitest';
import { seededFractions } from '../support/killed.ts';
import { copyKilled, sizeOf, startTwoRegistries } from '../support/killed-copy.ts';
import { uploadKilled } from '../support/killed-parts.ts';
import { startPipeline } from '../support/pipeline.ts';

const mebibyte = 1024 * 1024;

describe('a process that was killed with SIGKILL at ten seeded moments and started again', {
  timeout: 120_000,
}, () => {
  it('drayage copy: reads again no more than the blobs that were in flight', async () => {
    await using registries = await startTwoRegistries();
    // More than travel at once, so that some have arrived and some have not started whenever it
    // happens.
    const sizes = seededFractions('sizes', 96).map((share) => Math.round((0.25 + 3 * share) * mebibyte));
    const { image, interruptions, read, needless, output } = await copyKilled(registries, {
      seed: 'copy',
      sizes,
    });
    expect(interruptions).toHaveLength(10);
    expect(needless).toEqual([]);
    const inFlight = interruptions.reduce((sum, each) => sum + sizeOf(each.inFlight), 0);
    expect(read).toBeGreaterThanOrEqual(sizeOf(image.blobs));
    expect(read).toBeLessThanOrEqual(sizeOf(image.blobs) + inFlight);
    const { digest, transfer } = JSON.parse(output);
    expect(digest).toBe(image.manifest.digest);
    expect(transfer.present.blobs, 'what arrived before a SIGKILL stays').toBeGreaterThan(0);
  });

  it('the mirror function that copies a layer in parts: reads again no more than two of them', async () => {
    await using pipeline = await startPipeline({ mirrorInstances: 0, layerInstances: 0 });
    // As with a network: nobody has read what the buffers of a connection hold.
    pipeline.upstream.faults.add({
      match: { method: 'GET', path: '/blobs/' },
      action: { kind: 'slow', bytesPerSecond: 12.5e6 },
    });
    const killed = await uploadKilled(pipeline, { seed: 'parts', size: 80 * mebibyte });
    expect(killed.interruptions).toHaveLength(10);
    const again = killed.interruptions.map(({ to, noted }) => to - noted);
    expect(Math.max(...again)).toBeLessThanOrEqual(2 * killed.partSize);
    expect(killed.read).toBeGreaterThanOrEqual(killed.size);
    expect(killed.read).toBeLessThanOrEqual(killed.size + again.reduce((sum, bytes) => sum + bytes, 0));
  });
});
