import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { imagePlatforms } from '../../../core/copy/image-platforms.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { RegistryClient } from '../../../core/registry/client.ts';
import { startRegistry } from '../../../local/ecr/server.ts';
import { copyWhole, repositoryAt } from '../../support/copying.ts';
import { blobOf } from '../../support/memory-image.ts';
import { pushImage, seededImage } from '../../support/seeded-image.ts';
import { seededBytes } from '../../support/seeded-layer.ts';

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The same numbers between 0 and 1 each time: xorshift32. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** A body in pieces of any size, sometimes with a pause between them. */
async function sendInPieces(
  response: ServerResponse,
  bytes: Uint8Array,
  random: () => number,
): Promise<void> {
  response.writeHead(200, { 'content-length': String(bytes.length) });
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(bytes.length, start + 1 + Math.floor(random() ** 3 * 400_000));
    if (!response.write(bytes.subarray(start, end))) await once(response, 'drain');
    if (random() < 0.1) await turn();
    start = end;
  }
  response.end();
}

describe('sixteen streams at once from one registry to another', () => {
  it('bring every byte to its place, however often uploads break', async () => {
    const random = dice(20_260_401);
    const blobs = Array.from({ length: 64 }, (_, n) => {
      const bytes = seededBytes(`stress ${n}`, 1 + Math.floor(random() * 3_000_000));
      return { bytes, descriptor: blobOf(bytes) };
    });
    const byDigest = new Map(blobs.map(({ bytes, descriptor }) => [String(descriptor.digest), bytes]));
    const upstream = await serve((request, response) => {
      const bytes = byDigest.get(request.url?.split('/').at(-1) ?? '') ?? Buffer.alloc(0);
      sendInPieces(response, bytes, random).catch(() => response.destroy());
    });
    const stored = new Map<string, string>();
    let broken = 0;
    const receive = async (request: IncomingMessage, response: ServerResponse) => {
      const size = Number(request.headers['content-length']);
      const breaksAt = random() < 0.25 ? Math.floor(random() * size) : Infinity;
      const hash = createHash('sha256');
      let received = 0;
      for await (const chunk of request as AsyncIterable<Uint8Array>) {
        received += chunk.length;
        if (received > breaksAt) {
          broken += 1;
          if (random() < 0.5) request.destroy();
          else response.writeHead(500, { connection: 'close' }).end();
          return;
        }
        hash.update(chunk);
        if (random() < 0.05) await turn();
      }
      stored.set(new URL(request.url ?? '', 'http://x').searchParams.get('digest') ?? '', hash.digest('hex'));
      response.writeHead(201).end();
    };
    const mirror = await serve((request, response) => {
      if (request.method === 'POST') {
        response.writeHead(202, { location: '/v2/a/blobs/uploads/1' }).end();
      } else receive(request, response).catch(() => response.destroy());
    });
    const options = { registry: 'r.example', retry: { baseMs: 1, maxMs: 2 } };
    await using from = new RegistryClient({ ...options, endpoint: upstream, side: 'upstream' });
    await using to = new RegistryClient({ ...options, endpoint: mirror, side: 'mirror' });

    const waiting = [...blobs];
    const carry = async () => {
      for (let blob = waiting.pop(); blob; blob = waiting.pop()) {
        for (let arrived = false; !arrived; ) {
          const started = await to.startUpload('a');
          if (started.kind !== 'session') throw new Error('nothing is mounted here');
          const body = await from.getBlob('a', blob.descriptor);
          arrived = await to.putBlob(started.session, blob.descriptor, body).then(
            () => true,
            () => false,
          );
        }
      }
    };
    await Promise.all(Array.from({ length: 16 }, carry));

    expect(broken).toBeGreaterThan(5);
    expect(stored.size).toBe(blobs.length);
    for (const [digest, hash] of stored) expect(`sha256:${hash}`).toBe(digest);
  });
});

describe('a config that passes through', () => {
  it('is kept as it came, even if it is so large that its buffers are reused', async () => {
    const upstream = await startRegistry({ flavour: 'distribution' });
    const mirror = await startRegistry({ flavour: 'distribution' });
    onTestFinished(() => Promise.all([upstream.stop(), mirror.stop()]).then(() => {}));
    const image = seededImage({
      seed: 'large config',
      platform: { os: 'linux', architecture: 'riscv64' },
      comment: 'x'.repeat(1_000_000),
      layers: Array.from({ length: 4 }, () => ({ size: 3_000_000 })),
    });
    await pushImage(upstream.endpoint, 'app', '1', image);
    const source = repositoryAt(upstream, 'app', { side: 'upstream' });
    const destination = repositoryAt(mirror, 'app', { side: 'mirror' });
    const { plan, configs } = await copyWhole(source, destination, '1');

    expect(digestOf(configs.get(image.config.digest) ?? Buffer.alloc(0))).toBe(image.config.digest);
    expect(await imagePlatforms(plan, configs, destination)).toEqual(['linux/riscv64']);
  });
});
