import { describe, expect, it } from 'vitest';
import type { RequestInfo } from '../../../core/registry/transport/transport.ts';
import { type ScriptedStep, startScriptedServer } from '../../support/scripted-server.ts';
import { clientFor, errorOf, listed } from './client-for.ts';

const request = 'HEAD /v2/a/manifests/1';
const step = (answer: ScriptedStep['answer']): ScriptedStep => ({ request, answer });
const found = step({ status: 200 });

describe('a temporary failure', () => {
  it.each([408, 425, 429, 500, 502, 503, 504, 520, 530])('is retried: %i', async (status) => {
    const server = await startScriptedServer([step({ status }), step({ status }), found]);
    expect(await clientFor(server).headManifest('a', '1')).toBeDefined();
  });

  it('is retried: a broken connection', async () => {
    const server = await startScriptedServer([step((response) => response.destroy()), found]);
    expect(await clientFor(server).headManifest('a', '1')).toBeDefined();
  });

  it('is retried: a body that breaks off', async () => {
    const server = await startScriptedServer([
      {
        request: 'GET /v2/a/tags/list?n=1000',
        answer: (response) => {
          response.writeHead(200, { 'content-length': '1000' });
          response.write('{"tags":', () => response.destroy());
        },
      },
      { request: 'GET /v2/a/tags/list?n=1000', answer: { status: 200, body: { tags: ['1'] } } },
    ]);
    expect(await listed(clientFor(server).listTags('a'))).toEqual(['1']);
  });

  it('is retried: no headers in time', async () => {
    const server = await startScriptedServer([step(() => {}), found]);
    const client = clientFor(server, { timeouts: { headersMs: 150, fetchMs: 150 } });
    expect(await client.headManifest('a', '1')).toBeDefined();
  });

  it.each(['getManifest', 'headManifest'] as const)(
    'is given more time if the registry may have to fetch: %s',
    async (read) => {
      const slow = (line: string): ScriptedStep => ({
        request: line,
        answer: (response) => setTimeout(() => response.writeHead(200).end('{}'), 1_500),
      });
      const method = read === 'getManifest' ? 'GET' : 'HEAD';
      const server = await startScriptedServer([slow(`${method} /v2/a/manifests/1`)]);
      const client = clientFor(server, { timeouts: { headersMs: 100 }, retry: { attempts: 1 } });
      const outcome = await client[read]('a', '1').catch((error: unknown) => error);
      expect(outcome).not.toMatchObject({ code: 'TIMEOUT' });
    },
  );

  it('is reported with its kind if it persists', async () => {
    const attempts = { retry: { attempts: 2 } };
    const slow = await startScriptedServer([step(() => {}), step(() => {})]);
    const timeout = clientFor(slow, { ...attempts, timeouts: { headersMs: 100, fetchMs: 100 } });
    expect(await errorOf(timeout.headManifest('a', '1'))).toMatchObject({ code: 'TIMEOUT', temporary: true });

    const breaking = await startScriptedServer([step((r) => r.destroy()), step((r) => r.destroy())]);
    const broken = clientFor(breaking, attempts);
    expect(await errorOf(broken.headManifest('a', '1'))).toMatchObject({
      code: 'CONNECTION',
      temporary: true,
    });

    const busy = await startScriptedServer([step({ status: 503 }), step({ status: 503 })]);
    expect(await errorOf(clientFor(busy, attempts).headManifest('a', '1'))).toMatchObject({
      code: 'UNAVAILABLE',
      status: 503,
      temporary: true,
    });
  });

  it('is retried after the time in Retry-After', async () => {
    const limited = step({ status: 429, headers: { 'retry-after': '1' } });
    const server = await startScriptedServer([limited, found]);
    const begun = performance.now();
    await clientFor(server).headManifest('a', '1');
    expect(performance.now() - begun).toBeGreaterThan(950);
  });

  it('is left to the caller when Retry-After is long', async () => {
    const later = new Date(Date.now() + 600_000).toUTCString();
    const server = await startScriptedServer([step({ status: 429, headers: { 'retry-after': later } })]);
    const error = await errorOf(clientFor(server).headManifest('a', '1'));
    expect(error).toMatchObject({ code: 'TOOMANYREQUESTS', status: 429, temporary: true });
    expect(error.retryAfterMs).toBeGreaterThan(590_000);
    expect(error.retryAfterMs).toBeLessThanOrEqual(600_000);
  });

  it('ends at once when the signal aborts, with its reason', async () => {
    const controller = new AbortController();
    const reason = new Error('the job’s deadline');
    const server = await startScriptedServer([
      step((response) => {
        response.writeHead(503, { 'retry-after': '30' }).end();
        setTimeout(() => controller.abort(reason), 50);
      }),
    ]);
    const begun = performance.now();
    const head = clientFor(server).headManifest('a', '1', { signal: controller.signal });
    await expect(head).rejects.toBe(reason);
    expect(performance.now() - begun).toBeLessThan(1000);
  });
});

it.each([400, 401, 403, 409, 410, 418, 422, 501, 505])('an answer is not retried: %i', async (status) => {
  const server = await startScriptedServer([{ request: 'GET /v2/a/manifests/1', answer: { status } }]);
  expect(await errorOf(clientFor(server).getManifest('a', '1'))).toMatchObject({
    status,
    temporary: false,
  });
});

it('a request under way is cancelled by the signal, and not retried', async () => {
  const controller = new AbortController();
  const server = await startScriptedServer([step(() => controller.abort())]);
  const head = clientFor(server).headManifest('a', '1', { signal: controller.signal });
  await expect(head).rejects.toMatchObject({ name: 'AbortError' });
  expect(server.requests).toHaveLength(1);
});

it('every request is reported, without its query', async () => {
  const told: RequestInfo[] = [];
  const list = { request: 'GET /v2/a/tags/list?n=5', answer: { status: 200, body: { tags: [] } } };
  const server = await startScriptedServer([
    { ...list, answer: { status: 503 } },
    { ...list, answer: (response) => response.destroy() },
    list,
  ]);
  const client = clientFor(server, { side: 'mirror', onRequest: (info) => told.push(info) });
  await listed(client.listTags('a', { pageSize: 5 }));
  const url = `${server.origin}/v2/a/tags/list`;
  expect(told).toEqual([
    { method: 'GET', url, status: 503, side: 'mirror', ms: expect.any(Number) },
    { method: 'GET', url, status: undefined, side: 'mirror', ms: expect.any(Number) },
    { method: 'GET', url, status: 200, side: 'mirror', ms: expect.any(Number) },
  ]);
});

it('HEAD requests keep their connection', async () => {
  const ports = new Set<number | undefined>();
  const answer: ScriptedStep['answer'] = (response, { socket }) => {
    ports.add(socket.remotePort);
    response.writeHead(200, { 'content-length': '5' }).end();
  };
  const server = await startScriptedServer(Array.from({ length: 6 }, () => step(answer)));
  const client = clientFor(server);
  for (let i = 0; i < 6; i += 1) expect(await client.headManifest('a', '1')).toEqual({ size: 5 });
  // undici releases a connection one turn of the event loop after its answer, so requests in a row
  // alternate between two.
  expect(ports.size).toBeLessThanOrEqual(2);
});
