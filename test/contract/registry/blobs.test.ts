import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { type ScriptedStep, startScriptedServer } from '../../support/scripted-server.ts';
import { clientFor, collect, errorOf } from './client-for.ts';

const blob = Buffer.alloc(300_000, 'layer ');
const descriptor = { digest: digestOf(blob), size: blob.length };
const path = `/v2/a/blobs/${descriptor.digest}`;
const get = `GET ${path}`;
/** An answer without Content-Length, whose end is marked by chunks. */
const chunked =
  (...chunks: Uint8Array[]) =>
  (response: ServerResponse) => {
    response.writeHead(200);
    for (const chunk of chunks) response.write(chunk);
    response.end();
  };

describe('getBlob', () => {
  it('streams the bytes', async () => {
    const server = await startScriptedServer([
      {
        request: get,
        headers: { 'accept-encoding': 'identity', range: null },
        answer: { status: 200, body: blob },
      },
      { request: get, answer: chunked(blob.subarray(0, 7), blob.subarray(7)) },
    ]);
    const client = clientFor(server);
    expect(await collect(await client.getBlob('a', descriptor))).toEqual(blob);
    expect(await collect(await client.getBlob('a', descriptor))).toEqual(blob);
  });

  it('streams no bytes for an empty blob', async () => {
    const empty = { digest: digestOf(Buffer.alloc(0)), size: 0 };
    const server = await startScriptedServer([
      { request: `GET /v2/a/blobs/${empty.digest}`, answer: { status: 200 } },
    ]);
    expect(await collect(await clientFor(server).getBlob('a', empty))).toHaveLength(0);
  });

  it('refuses an announced length that differs from the descriptor’s, before reading', async () => {
    const server = await startScriptedServer([
      { request: get, answer: { status: 200, headers: { 'content-length': '5' }, body: 'hello' } },
    ]);
    const error = await errorOf(clientFor(server).getBlob('a', descriptor));
    expect(error).toMatchObject({ code: 'SIZE_INVALID', temporary: false });
    expect(error.message).toContain('announces 5 bytes instead of 300000');
  });

  it('refuses more bytes than the descriptor says', async () => {
    const server = await startScriptedServer([{ request: get, answer: chunked(blob, Buffer.from('!')) }]);
    const error = await errorOf(collect(await clientFor(server).getBlob('a', descriptor)));
    expect(error).toMatchObject({ code: 'SIZE_INVALID', temporary: false });
    expect(error.message).toContain('at least 300001 bytes, but its size is 300000');
  });

  it('does not keep reading an endless blob', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const server = await startScriptedServer([
      {
        request: get,
        answer: (response) => {
          response.on('close', resolve);
          const more = () => {
            while (!response.destroyed && response.write(blob));
            response.once('drain', more);
          };
          more();
        },
      },
    ]);
    expect(await errorOf(collect(await clientFor(server).getBlob('a', descriptor)))).toMatchObject({
      code: 'SIZE_INVALID',
    });
    await closed;
  });

  it('refuses fewer bytes than the descriptor says', async () => {
    const server = await startScriptedServer([{ request: get, answer: chunked(blob.subarray(0, 299_999)) }]);
    const error = await errorOf(collect(await clientFor(server).getBlob('a', descriptor)));
    expect(error).toMatchObject({ code: 'SIZE_INVALID', temporary: true });
    expect(error.message).toContain('ended after 299999 bytes, but its size is 300000');
  });

  it('reports a broken connection, and does not retry by itself', async () => {
    const server = await startScriptedServer([
      {
        request: get,
        answer: (response) => {
          response.writeHead(200, { 'content-length': String(blob.length) });
          response.write(blob.subarray(0, 1000), () => response.destroy());
        },
      },
    ]);
    const error = await errorOf(collect(await clientFor(server).getBlob('a', descriptor)));
    expect(error).toMatchObject({ code: 'CONNECTION', temporary: true, operation: 'get blob' });
    expect(error.message).toContain('after 1000 of 300000 bytes');
  });

  it('reports a stalled stream', async () => {
    const server = await startScriptedServer([
      {
        request: get,
        answer: (response) => {
          response.writeHead(200, { 'content-length': String(blob.length) });
          response.write(blob.subarray(0, 1000));
        },
      },
    ]);
    const stream = await clientFor(server, { timeouts: { idleBodyMs: 150 } }).getBlob('a', descriptor);
    expect(await errorOf(collect(stream))).toMatchObject({ code: 'TIMEOUT', temporary: true });
  });

  it('does not mistake a slow reader for a stalled registry', async () => {
    const large = Buffer.alloc(8 * 1024 * 1024, 'x');
    const one = { digest: digestOf(large), size: large.length };
    const server = await startScriptedServer([
      { request: `GET /v2/a/blobs/${one.digest}`, answer: { status: 200, body: large } },
    ]);
    const stream = await clientFor(server, { timeouts: { idleBodyMs: 150 } }).getBlob('a', one);
    let size = 0;
    for await (const chunk of stream) {
      if (size === 0) await new Promise((resolve) => setTimeout(resolve, 500));
      size += chunk.byteLength;
    }
    expect(size).toBe(large.length);
  });

  it('ends at once with the signal’s reason', async () => {
    const controller = new AbortController();
    const reason = new Error('the job’s deadline');
    const server = await startScriptedServer([
      {
        request: get,
        answer: (response) => {
          response.writeHead(200);
          response.write(blob.subarray(0, 1000));
          setTimeout(() => controller.abort(reason), 50);
        },
      },
    ]);
    const stream = await clientFor(server).getBlob('a', descriptor, { signal: controller.signal });
    await expect(collect(stream)).rejects.toBe(reason);
  });

  it.each(['break', 'destroy before the first byte'])('closes the connection on %s', async (how) => {
    const { promise: answered, resolve } = Promise.withResolvers<ServerResponse>();
    const server = await startScriptedServer([
      {
        request: get,
        answer: (response) => {
          response.writeHead(200);
          response.write(blob.subarray(0, 1000));
          resolve(response);
        },
      },
    ]);
    const stream = await clientFor(server).getBlob('a', descriptor);
    const closed = once(await answered, 'close');
    if (how === 'break') {
      for await (const _ of stream) break;
    } else {
      (stream as Readable).destroy();
    }
    await closed;
  });

  it('reports a missing blob', async () => {
    const server = await startScriptedServer([{ request: get, answer: { status: 404 } }]);
    expect(await errorOf(clientFor(server).getBlob('a', descriptor))).toMatchObject({
      code: 'BLOB_UNKNOWN',
      status: 404,
    });
  });
});

describe('getBlob with an offset', () => {
  const ranged = (status: number, contentRange: string | undefined, body: Uint8Array): ScriptedStep => ({
    request: get,
    headers: { range: 'bytes=100000-' },
    answer: {
      status,
      ...(contentRange === undefined ? {} : { headers: { 'content-range': contentRange } }),
      body,
    },
  });

  it.each([
    ['206 with the size', 206, 'bytes 100000-299999/300000', blob.subarray(100_000)],
    ['206 without the size', 206, 'bytes 100000-299999/*', blob.subarray(100_000)],
    ['200 with the whole blob', 200, undefined, blob],
  ])('returns the rest of %s', async (_, status, contentRange, body) => {
    const server = await startScriptedServer([ranged(status, contentRange, body)]);
    const stream = await clientFor(server).getBlob('a', descriptor, { offset: 100_000 });
    expect(await collect(stream)).toEqual(blob.subarray(100_000));
  });

  it.each([
    'bytes 0-199999/300000',
    'bytes 100000-299998/300000',
    'bytes 100000-299999/300001',
    'bytes */300000',
    'nonsense',
    undefined,
  ])('refuses the Content-Range %j', async (contentRange) => {
    const server = await startScriptedServer([ranged(206, contentRange, blob.subarray(100_000))]);
    const error = await errorOf(clientFor(server).getBlob('a', descriptor, { offset: 100_000 }));
    expect(error).toMatchObject({ code: 'RANGE_INVALID', temporary: true });
  });

  it('refuses a part of another length', async () => {
    const server = await startScriptedServer([
      ranged(206, 'bytes 100000-299999/300000', blob.subarray(100_001)),
    ]);
    const error = await errorOf(clientFor(server).getBlob('a', descriptor, { offset: 100_000 }));
    expect(error).toMatchObject({ code: 'RANGE_INVALID', temporary: true });
    expect(error.message).toContain('announces 199999 bytes');
  });

  it.each([400, 405, 416, 501])('does not request a part again after a %i', async (status) => {
    const server = await startScriptedServer([{ ...ranged(206, undefined, blob), answer: { status } }]);
    const client = clientFor(server);
    for (let i = 0; i < 2; i += 1) {
      const error = await errorOf(client.getBlob('a', descriptor, { offset: 100_000 }));
      expect(error).toMatchObject({ code: 'RANGE_INVALID', temporary: true });
    }
  });

  it.each([403, 404, 410])('takes a %i as an answer about this read only', async (status) => {
    const refusal = { ...ranged(206, undefined, blob), answer: { status } };
    const server = await startScriptedServer([refusal, refusal]);
    const client = clientFor(server);
    for (let i = 0; i < 2; i += 1) {
      const error = await errorOf(client.getBlob('a', descriptor, { offset: 100_000 }));
      expect(error).toMatchObject({ code: 'RANGE_INVALID', status, temporary: true });
    }
  });

  it('asks nothing at the end, and refuses an offset beyond it', async () => {
    const server = await startScriptedServer();
    const client = clientFor(server);
    expect(await collect(await client.getBlob('a', descriptor, { offset: blob.length }))).toHaveLength(0);
    for (const offset of [blob.length + 1, -1, 0.5]) {
      await expect(client.getBlob('a', descriptor, { offset })).rejects.toThrow(/^offset: /);
    }
  });
});

describe('headBlob', () => {
  it('returns the size if the registry does, also through redirects, and undefined for a missing blob', async () => {
    const server = await startScriptedServer([
      { request: `HEAD ${path}`, answer: { status: 307, headers: { location: '/stored' } } },
      { request: 'HEAD /stored', answer: { status: 200, headers: { 'content-length': '300000' } } },
      { request: `HEAD ${path}`, answer: { status: 200, headers: { 'transfer-encoding': 'chunked' } } },
      { request: `HEAD ${path}`, answer: { status: 404 } },
    ]);
    const client = clientFor(server);
    expect(await client.headBlob('a', descriptor.digest)).toEqual({ size: 300_000 });
    expect(await client.headBlob('a', descriptor.digest)).toEqual({});
    expect(await client.headBlob('a', descriptor.digest)).toBeUndefined();
  });
});
