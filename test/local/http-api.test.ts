import { once } from 'node:events';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpApi, startHttpApi } from '../../local/http-api.ts';
import type { LambdaFunction } from '../../local/lambda-function.ts';
import { startSecretsManager } from '../../local/secrets-manager.ts';

describe('the local HTTP API', () => {
  let api: HttpApi;
  /** The function's answer, whatever it is asked. */
  let answer: unknown;
  let asked: { rawPath: string; rawQueryString: string }[] = [];
  beforeAll(async () => {
    const invoke = async (event: (typeof asked)[number]) => {
      asked.push(event);
      return answer;
    };
    api = await startHttpApi(() => ({ invoke }) as unknown as LambdaFunction, 0, new PassThrough().resume());
  });
  afterAll(() => api.close());

  it.each([
    ['a header with a line break', { headers: { location: 'a\r\nb: c' } }],
    ['a header beyond Latin-1', { headers: { 'x-name': '✓' } }],
    ['a header name with a space', { headers: { 'a b': '1' } }],
    ['a trailer without chunks', { headers: { trailer: 'x' } }],
    ['a length of its own and an invalid header', { headers: { 'content-length': '1', bad: '\n' } }],
    ['an invalid status', { statusCode: 99_999 }],
    ['an invalid body', { body: 7 }],
    ['nothing', null],
    ['more than Lambda accepts', { body: 'x'.repeat(6 * 1024 * 1024 + 100) }],
    ['more than Lambda accepts, as JSON', { body: '"'.repeat(3 * 1024 * 1024 + 100) }],
  ])('answers 500 if a function returns %s, and continues', async (_, returned) => {
    answer = returned;
    const response = await fetch(api.url);
    expect([response.status, await response.json()]).toEqual([500, { message: 'Internal Server Error' }]);
    expect(Object.fromEntries(response.headers)).toMatchObject({ 'content-type': 'application/json' });

    answer = { statusCode: 201, headers: { 'x-name': 'value' }, body: 'text' };
    const next = await fetch(api.url);
    expect([next.status, next.headers.get('x-name'), await next.text()]).toEqual([201, 'value', 'text']);
  });

  it.each([
    ['//', '//', ''],
    ['/%', '/%', ''],
    ['http://[::/x?y=%', 'http://[::/x', 'y=%'],
    ['*', '*', ''],
  ])('passes the path of %s to the function as it came', async (target, path, query) => {
    answer = { statusCode: 404 };
    asked = [];
    expect(await request(target)).toMatch(/^HTTP\/1\.1 404 /);
    expect(asked).toMatchObject([{ rawPath: path, rawQueryString: query }]);
  });

  it.each(['/\u0000', 'none'])('survives the target %j', async (target) => {
    answer = { statusCode: 404 };
    expect(await request(target)).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect((await fetch(api.url)).status).toBe(404);
  });

  /** Sends a request target that no client would. */
  async function request(target: string): Promise<string> {
    const { port } = new URL(api.url);
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    return text(socket);
  }
});

describe('the local secrets manager', () => {
  it.each(['', '{', 'null', '{"SecretId": 7}', '{"SecretId": "constructor"}'])(
    'answers 400 to %j',
    async (body) => {
      const manager = await startSecretsManager(() => ({ known: {} }));
      const headers = { 'x-amz-target': 'secretsmanager.GetSecretValue' };
      const response = await fetch(manager.endpoint, { method: 'POST', headers, body });
      expect(response.status).toBe(400);
      await manager.stop();
    },
  );
});
