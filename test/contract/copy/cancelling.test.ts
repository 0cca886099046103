import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { copyBlobs } from '../../../core/copy/copy.ts';
import { plan } from '../../../core/copy/plan.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { type EmbeddedRegistry, startRegistry } from '../../../local/ecr/server.ts';
import { repositoryAt } from '../../support/copying.ts';
import { storeWith } from '../../support/memory-image.ts';
import { pushImage, seededImage } from '../../support/seeded-image.ts';

const streams = 16;
/** A caller that gave up is told so within this time, milliseconds. */
const within = 1_000;
const reason = new Error('the job’s deadline');

/** Sixteen layers, and a config, which starts last. */
const image = seededImage({
  seed: 'cancelled',
  layers: Array.from({ length: streams }, (_, n) => ({ size: 1_000_000 + n })),
});

async function start(): Promise<EmbeddedRegistry> {
  const registry = await startRegistry({ flavour: 'distribution' });
  onTestFinished(() => registry.stop());
  return registry;
}

/** The uploads that a registry still knows; it is asked about each one that was written to. */
async function openUploads({ endpoint, requests }: EmbeddedRegistry): Promise<string[]> {
  const paths = new Set(requests.map(({ path }) => path).filter((path) => /\/uploads\/[^/]/.test(path)));
  expect(paths.size).toBeGreaterThanOrEqual(streams);
  const open: string[] = [];
  for (const path of paths) {
    const answer = await fetch(`${endpoint}${path}`);
    await answer.arrayBuffer();
    if (answer.status !== 404) open.push(`${path}: ${answer.status}`);
  }
  return open;
}

describe('a cancelled copy with sixteen streams', () => {
  it('ends within a second with the reason, cancels its uploads and closes its connections', async () => {
    const mirror = await start();
    const stuck = new Set<Socket>();
    // Half of each layer arrives, and then nothing.
    const upstream = createServer((request, response) => {
      const bytes = image.blobs.get((request.url?.split('/').at(-1) ?? '') as Digest) ?? Buffer.alloc(0);
      response.writeHead(200, { 'content-length': bytes.length });
      if (bytes.length < 1_000_000) response.end(bytes);
      else response.write(bytes.subarray(0, 500_000), () => stuck.add(request.socket));
    });
    await once(upstream.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => {
      upstream.closeAllConnections();
      upstream.close();
    });
    const host = `127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    const source = repositoryAt({ host, endpoint: `http://${host}` }, 'app', { side: 'upstream' });
    const destination = repositoryAt(mirror, 'app', { side: 'mirror' });
    const planned = await plan(storeWith(image), destination, 'latest');
    const abort = new AbortController();
    const copying = copyBlobs(source, destination, planned, { signal: abort.signal, concurrency: streams });
    copying.catch(() => {});
    await vi.waitFor(() => {
      expect(stuck.size).toBe(streams);
      expect(mirror.requests.filter(({ bytesIn }) => bytesIn > 400_000)).toHaveLength(streams);
    }, 10_000);

    const begun = performance.now();
    abort.abort(reason);
    await expect(copying).rejects.toBe(reason);
    expect(performance.now() - begun).toBeLessThan(within);
    expect(await openUploads(mirror)).toEqual([]);
    await vi.waitFor(() => expect([...stuck].every(({ destroyed }) => destroyed)).toBe(true), 5_000);
    expect(mirror.hasBlob('app', image.config.digest), 'the config was no longer started').toBe(false);
  });

  it('ends just as fast when it is the mirror that accepts nothing more', async () => {
    const [upstream, mirror] = [await start(), await start()];
    await pushImage(upstream.endpoint, 'app', 'latest', image);
    mirror.faults.add({ match: { method: 'PUT' }, action: { kind: 'stall', afterBytes: 10_000 } });
    const source = repositoryAt(upstream, 'app', { side: 'upstream' });
    const destination = repositoryAt(mirror, 'app', { side: 'mirror' });
    const planned = await plan(source, destination, 'latest');
    const abort = new AbortController();
    const copying = copyBlobs(source, destination, planned, { signal: abort.signal, concurrency: streams });
    copying.catch(() => {});
    await vi.waitFor(() => {
      expect(mirror.requests.filter(({ bytesIn }) => bytesIn >= 10_000)).toHaveLength(streams);
    }, 10_000);

    const begun = performance.now();
    abort.abort(reason);
    await expect(copying).rejects.toBe(reason);
    expect(performance.now() - begun).toBeLessThan(within);
    const ended = mirror.requests.filter(({ method }) => method === 'DELETE');
    expect(ended, 'each upload is cancelled, whatever the registry makes of that').toHaveLength(streams);
  });
});
