import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ReadBuffers } from '../../../core/registry/transport/read-buffers.ts';
import { seededBytes } from '../../support/seeded-layer.ts';

const sent = seededBytes('read buffers', 16 * 1024 * 1024);
const hashOf = (chunks: Iterable<Uint8Array>) => {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
};
/** This many buffers of 512 KiB hold everything, if none is reused. */
const buffersForAll = 32;

async function listening(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

/** A connection that reads `sent` into the buffers, and one that the data can be written to. */
async function connections(buffers: ReadBuffers, sink: (socket: Socket) => void) {
  const port = await listening((socket) => socket.end(sent));
  const target = connect(await listening(sink), '127.0.0.1');
  target.on('error', () => {});
  buffers.watch(target);
  await once(target, 'connect');
  // net.connect supports `onread` only if its options are in one object.
  const source = connect({ port, host: '127.0.0.1', onread: buffers.reader() } as never);
  onTestFinished(() => {
    source.destroy();
    target.destroy();
  });
  const chunks: Uint8Array[] = [];
  const used = new Set<ArrayBufferLike>();
  const onChunk = (take: (chunk: Uint8Array) => void) =>
    source.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      used.add(chunk.buffer);
      take(chunk);
    });
  return { source, target, chunks, used, onChunk };
}

describe('a buffer that connections read into', () => {
  it('is reused once all of it was written to another connection', async () => {
    const received: Buffer[] = [];
    const { source, target, used, onChunk } = await connections(new ReadBuffers(), (socket) =>
      socket.on('data', (chunk: Buffer) => received.push(chunk)),
    );
    onChunk((chunk) => {
      if (target.write(chunk)) return;
      source.pause();
      target.once('drain', () => source.resume());
    });
    await once(source, 'end');
    target.end();
    await once(target, 'close');
    expect(used.size).toBeLessThan(buffersForAll / 2);
    expect(hashOf(received)).toBe(hashOf([sent]));
  });

  it('is reused if pieces of a chunk are written one by one', async () => {
    const received: Buffer[] = [];
    const { source, target, used, onChunk } = await connections(new ReadBuffers(), (socket) =>
      socket.on('data', (chunk: Buffer) => received.push(chunk)),
    );
    onChunk((chunk) => {
      const half = chunk.length >> 1;
      source.pause();
      target.write(chunk.subarray(0, half), () =>
        setImmediate(() => target.write(chunk.subarray(half), () => source.resume())),
      );
    });
    await once(source, 'end');
    target.end();
    await once(target, 'close');
    expect(used.size).toBeLessThan(buffersForAll / 2);
    expect(hashOf(received)).toBe(hashOf([sent]));
  });

  it('stays as it is if one byte of it was looked at here instead', async () => {
    const { source, target, chunks, used, onChunk } = await connections(new ReadBuffers(), (socket) =>
      socket.resume(),
    );
    onChunk((chunk) => {
      source.pause();
      target.write(chunk.subarray(1), () => source.resume());
    });
    await once(source, 'end');
    expect(used.size).toBeGreaterThanOrEqual(buffersForAll);
    expect(hashOf(chunks)).toBe(hashOf([sent]));
  });

  it('stays as it is while it waits to be written', async () => {
    const received: Buffer[] = [];
    let reader: Socket | undefined;
    const { source, target, chunks, onChunk } = await connections(new ReadBuffers(), (socket) => {
      reader = socket;
    });
    // Nobody reads at the other end, so most of it is stuck in this process.
    onChunk((chunk) => target.write(chunk));
    await once(source, 'end');
    await sleep(50);
    const waiting = target.writableLength;
    expect(waiting).toBeGreaterThan(1024 * 1024);
    expect(hashOf([Buffer.concat(chunks).subarray(-waiting)])).toBe(hashOf([sent.subarray(-waiting)]));
    reader?.on('data', (chunk: Buffer) => received.push(chunk));
    target.end();
    await once(target, 'close');
    expect(hashOf(received)).toBe(hashOf([sent]));
  });

  it('stays as it is if it could not be written', async () => {
    const { source, target, chunks, used, onChunk } = await connections(new ReadBuffers(), (socket) =>
      socket.resume(),
    );
    let failed = 0;
    target.destroy();
    onChunk((chunk) => {
      target.write(chunk, (error) => {
        if (error) failed += 1;
      });
    });
    await once(source, 'end');
    expect(failed).toBeGreaterThan(0);
    expect(used.size).toBeGreaterThanOrEqual(buffersForAll);
    expect(hashOf(chunks)).toBe(hashOf([sent]));
  });

  it('stays as it is while its connection is paused and others go on', async () => {
    const buffers = new ReadBuffers();
    const paused = await connections(buffers, (socket) => socket.resume());
    paused.source.pause();
    await sleep(50); // the data that arrived waits to be read
    const busy = await connections(buffers, (socket) => socket.resume());
    busy.onChunk((chunk) => {
      busy.source.pause();
      busy.target.write(chunk, () => busy.source.resume());
    });
    await once(busy.source, 'end');
    paused.onChunk(() => {});
    paused.source.resume();
    await once(paused.source, 'end');
    expect(hashOf(paused.chunks)).toBe(hashOf([sent]));
  });

  it('does not affect what was read in another way', async () => {
    const received: Buffer[] = [];
    const { target } = await connections(new ReadBuffers(), (socket) =>
      socket.on('data', (chunk: Buffer) => received.push(chunk)),
    );
    target.write('a text, ', 'latin1');
    target.write('coded: c3a9, '.slice(7, 11), 'hex');
    const told = Promise.withResolvers<void>();
    target.write(Buffer.from(' and bytes'), () => told.resolve());
    await told.promise;
    target.end();
    await once(target, 'close');
    expect(Buffer.concat(received).toString()).toBe('a text, é and bytes');
  });
});
