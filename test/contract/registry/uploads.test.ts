import { Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { type ScriptedStep, startScriptedServer } from '../../support/scripted-server.ts';
import { basic, clientFor, errorOf } from './client-for.ts';

const blob = Buffer.alloc(200_000, 'layer ');
const digest = digestOf(blob);
const descriptor = { digest, size: blob.length };
const escaped = encodeURIComponent(digest);
const start = 'POST /v2/a/blobs/uploads/';
const credentials = async () => ({ username: 'AWS', password: 'token-of-12-hours' });
const wantsBasic = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
const sent = basic('AWS', 'token-of-12-hours');
const accepted = (location: string): ScriptedStep['answer'] => ({ status: 202, headers: { location } });

async function* chunks(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

/** A body that notices whether it was ended. */
function watched(parts: AsyncIterable<Uint8Array>) {
  const iterator = parts[Symbol.asyncIterator]();
  const ended = vi.fn(
    () => iterator.return?.() ?? Promise.resolve({ done: true as const, value: undefined }),
  );
  return { body: { [Symbol.asyncIterator]: () => ({ next: () => iterator.next(), return: ended }) }, ended };
}

describe('putBlob', () => {
  const put = `PUT /upload/1?_state=a%2Fb+c&digest=${escaped}`;
  const session = (origin: string) => ({ repository: 'a', location: `${origin}/upload/1?_state=a%2Fb+c` });
  const stored = { status: 201, headers: { 'docker-content-digest': digest } };

  it('streams the blob, keeping the location’s own query', async () => {
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': '200000',
      'transfer-encoding': null,
    };
    const server = await startScriptedServer([
      { request: put, headers, body: blob, answer: stored },
      { request: put, headers, body: blob, answer: { status: 204 } },
    ]);
    const client = clientFor(server);
    await client.putBlob(session(server.origin), descriptor, chunks(blob.subarray(0, 9), blob.subarray(9)));
    await client.putBlob(session(server.origin), descriptor, Readable.from([blob]));
  });

  it('authorizes itself at the registry, and at no other host', async () => {
    const storage = await startScriptedServer([
      { request: put, headers: { authorization: null }, body: blob, answer: stored },
      { request: put, headers: { authorization: null }, answer: wantsBasic },
    ]);
    const server = await startScriptedServer([
      { request: start, answer: wantsBasic },
      {
        request: start,
        headers: { authorization: sent },
        answer: accepted(session(storage.origin).location),
      },
      { request: put, headers: { authorization: sent }, body: blob, answer: stored },
    ]);
    const client = clientFor(server, { credentials });
    const started = await client.startUpload('a');
    if (started.kind !== 'session') throw new Error('no session');
    await client.putBlob(started.session, descriptor, chunks(blob));
    await client.putBlob(session(server.origin), descriptor, chunks(blob));
    expect(await errorOf(client.putBlob(started.session, descriptor, chunks(blob)))).toMatchObject({
      code: 'UNAUTHORIZED',
    });
  });

  it('sends an empty blob', async () => {
    const empty = { digest: digestOf(Buffer.alloc(0)), size: 0 };
    const server = await startScriptedServer([
      {
        request: `PUT /upload/1?digest=${encodeURIComponent(empty.digest)}`,
        headers: { 'content-length': '0' },
        body: '',
        answer: { status: 201 },
      },
    ]);
    const client = clientFor(server);
    const place = { repository: 'a', location: `${server.origin}/upload/1` };
    await client.putBlob(place, empty, chunks());
    expect(await errorOf(client.putBlob(place, empty, chunks(blob)))).toMatchObject({ code: 'SIZE_INVALID' });
  });

  it.each([
    ['fewer', [blob.subarray(1)], /ended after 199999 bytes, but 200000 were announced/],
    ['no', [], /ended after 0 bytes/],
    ['more', [blob, Buffer.from('!')], /has at least 200001 bytes, but 200000 were announced/],
  ])('refuses a body with %s bytes', async (_, parts, message) => {
    // A connection that is cut before the first byte never becomes a request.
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const server = await startScriptedServer(
      parts.length === 0 ? [] : [{ request: put, answer: () => resolve() }],
    );
    const { body, ended } = watched(
      (async function* () {
        for (const part of parts) {
          yield part;
          await arrived;
        }
      })(),
    );
    const error = await errorOf(clientFor(server).putBlob(session(server.origin), descriptor, body));
    expect(error).toMatchObject({ code: 'SIZE_INVALID', message: expect.stringMatching(message) });
    expect(ended).toHaveBeenCalled();
  });

  it('throws the body’s own failure unchanged', async () => {
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const server = await startScriptedServer([{ request: put, answer: () => resolve() }]);
    const failure = new Error('upstream broke');
    const body = (async function* () {
      yield blob.subarray(0, 1000);
      await arrived;
      throw failure;
    })();
    await expect(clientFor(server).putBlob(session(server.origin), descriptor, body)).rejects.toBe(failure);
  });

  it.each([
    ['an error', { status: 500 }, { code: 'UNAVAILABLE', temporary: true }],
    ['a broken connection', (r: { destroy(): void }) => r.destroy(), { code: 'CONNECTION', temporary: true }],
    [
      'a wrong digest',
      { status: 400, body: { errors: [{ code: 'DIGEST_INVALID' }] } },
      { code: 'DIGEST_INVALID' },
    ],
    [
      'having stored something else',
      { status: 201, headers: { 'docker-content-digest': digestOf(Buffer.from('other')) } },
      { code: 'DIGEST_INVALID' },
    ],
  ])('is not repeated after %s, and ends the body', async (_, answer, expected) => {
    const server = await startScriptedServer([{ request: put, body: blob, answer }]);
    const { body, ended } = watched(chunks(blob));
    const error = await errorOf(clientFor(server).putBlob(session(server.origin), descriptor, body));
    expect(error).toMatchObject(expected);
    expect(ended).toHaveBeenCalled();
  });

  it.each([
    ['refuses', 413, 'REFUSED'],
    ['claims to have stored', 201, 'ANSWER_INVALID'],
  ])('ends the body when the registry %s the blob halfway', async (_, status, code) => {
    const server = await startScriptedServer([
      { request: put, answer: (response) => response.writeHead(status).end() },
    ]);
    const { body, ended } = watched(
      (async function* () {
        yield blob.subarray(0, 1000);
        // The answer arrives long before.
        await new Promise((resolve) => setTimeout(resolve, 300));
        yield blob.subarray(1000, 2000);
        await new Promise((resolve) => setTimeout(resolve, 300));
        yield blob.subarray(2000);
      })(),
    );
    expect(await errorOf(clientFor(server).putBlob(session(server.origin), descriptor, body))).toMatchObject({
      code,
      status,
    });
    expect(ended).toHaveBeenCalled();
  });

  it('ends a body that never started, when nobody listens', async () => {
    const server = await startScriptedServer();
    const stream = new Readable({ read() {} });
    const { body, ended } = watched(chunks(blob));
    const client = clientFor(server);
    const nowhere = { repository: 'a', location: 'http://127.0.0.1:1/upload/1' };
    expect(await errorOf(client.putBlob(nowhere, descriptor, body))).toMatchObject({ code: 'CONNECTION' });
    expect(await errorOf(client.putBlob(nowhere, descriptor, stream))).toMatchObject({ code: 'CONNECTION' });
    expect(ended).toHaveBeenCalled();
    expect(stream.destroyed).toBe(true);
  });

  it('ends at once with the signal’s reason, even when the body is stuck', async () => {
    const controller = new AbortController();
    const reason = new Error('the job’s deadline');
    const server = await startScriptedServer([{ request: put, answer: () => controller.abort(reason) }]);
    const body = (async function* () {
      yield blob.subarray(0, 1000);
      await new Promise(() => {});
    })();
    const upload = clientFor(server).putBlob(session(server.origin), descriptor, body, {
      signal: controller.signal,
    });
    await expect(upload).rejects.toBe(reason);
  });

  it('may be sent again with a new token after a 401', async () => {
    const wantsBearer = (origin: string) => ({
      status: 401,
      headers: { 'www-authenticate': `Bearer realm="${origin}/token"` },
    });
    const token = (value: string): ScriptedStep => ({
      request: 'GET /token?scope=repository%3Aa%3Apull%2Cpush',
      answer: { status: 200, body: { token: value } },
    });
    const server = await startScriptedServer();
    server.expect(
      { request: start, answer: wantsBearer(server.origin) },
      token('t1'),
      {
        request: start,
        headers: { authorization: 'Bearer t1' },
        answer: accepted(session(server.origin).location),
      },
      {
        request: put,
        headers: { authorization: 'Bearer t1' },
        body: blob,
        answer: wantsBearer(server.origin),
      },
      token('t2'),
      { request: put, headers: { authorization: 'Bearer t2' }, body: blob, answer: stored },
    );
    const client = clientFor(server);
    await client.startUpload('a');
    const error = await errorOf(client.putBlob(session(server.origin), descriptor, chunks(blob)));
    expect(error).toMatchObject({ code: 'UNAUTHORIZED', temporary: true });
    await client.putBlob(session(server.origin), descriptor, chunks(blob));
  });

  it('reads its body only as fast as the registry takes it', async () => {
    const size = 64 * 1024 * 1024;
    const part = Buffer.alloc(1024 * 1024);
    let read = 0;
    const { promise: stuck, resolve } = Promise.withResolvers<void>();
    const server = await startScriptedServer([
      {
        request: `PUT /upload/1?digest=${escaped}`,
        answer: (_, request) => {
          request.pause();
          setTimeout(resolve, 300);
        },
      },
    ]);
    const body = (async function* () {
      for (; read < size; read += part.length) yield part;
    })();
    const controller = new AbortController();
    const upload = clientFor(server).putBlob(
      { repository: 'a', location: `${server.origin}/upload/1` },
      { digest, size },
      body,
      { signal: controller.signal },
    );
    await stuck;
    expect(read).toBeLessThan(size / 2);
    controller.abort();
    await expect(upload).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('an upload in pieces', () => {
  it('continues at the location of each answer, whatever its status and range', async () => {
    const half = 100_000;
    const server = await startScriptedServer([
      {
        request: 'PATCH /upload/1',
        headers: {
          'content-range': '0-99999',
          'content-length': '100000',
          'content-type': 'application/octet-stream',
        },
        body: blob.subarray(0, half),
        answer: { status: 202, headers: { location: '/upload/2', range: '0-99999' } },
      },
      {
        request: 'PATCH /upload/2',
        headers: { 'content-range': '100000-199999' },
        body: blob.subarray(half),
        // This is how ECR answers: CR#2831.
        answer: { status: 201, headers: { location: '/upload/3', range: '0-99999' } },
      },
      {
        request: `PUT /upload/3?digest=${escaped}`,
        headers: { 'content-length': '0' },
        body: '',
        answer: { status: 201 },
      },
    ]);
    const client = clientFor(server);
    let session = { repository: 'a', location: `${server.origin}/upload/1` };
    session = await client.patchBlob(session, { offset: 0, size: half }, chunks(blob.subarray(0, half)));
    session = await client.patchBlob(session, { offset: half, size: half }, chunks(blob.subarray(half)));
    await client.finishUpload(session, digest);
  });

  it('reports a piece that does not fit', async () => {
    const server = await startScriptedServer([
      { request: 'PATCH /upload/1', body: blob, answer: { status: 416 } },
    ]);
    const client = clientFor(server);
    const session = { repository: 'a', location: `${server.origin}/upload/1` };
    const error = await errorOf(client.patchBlob(session, { offset: 5, size: blob.length }, chunks(blob)));
    expect(error).toMatchObject({ code: 'RANGE_INVALID', status: 416, temporary: false });
    await expect(client.patchBlob(session, { offset: 0, size: 0 }, chunks())).rejects.toThrow(/^size: /);
  });
});

describe('cancelUpload', () => {
  it('asks once, and accepts any answer', async () => {
    const server = await startScriptedServer([
      { request: 'DELETE /upload/1', answer: { status: 204 } },
      { request: 'DELETE /upload/1', answer: { status: 500 } },
      { request: 'DELETE /upload/1', answer: (response) => response.destroy() },
    ]);
    const client = clientFor(server);
    const session = { repository: 'a', location: `${server.origin}/upload/1` };
    for (let i = 0; i < 3; i += 1) await client.cancelUpload(session);
  });
});
