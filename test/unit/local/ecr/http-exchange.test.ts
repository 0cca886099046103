import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { HttpExchange } from '../../../../local/ecr/http-exchange.ts';
import type { RequestRecord } from '../../../../local/ecr/requests.ts';

/** An exchange without a connection. */
function exchange(method: string, response: Partial<ServerResponse>) {
  const request = Object.assign(new PassThrough(), { method, url: '/v2/', headers: {} });
  return new HttpExchange({
    request: request as unknown as IncomingMessage,
    response: Object.assign(new PassThrough(), response) as unknown as ServerResponse,
    record: {} as RequestRecord,
    fault: undefined,
  });
}

describe('a stream that is not sent', () => {
  it.each<[string, string, Partial<ServerResponse>]>([
    ['because the client has gone', 'GET', { destroyed: true }],
    ['because a HEAD has no body', 'HEAD', { writeHead: () => ({}) as ServerResponse }],
  ])('is closed, %s', async (_, method, response) => {
    const source = new Readable({ read() {} });
    await exchange(method, response).sendStream(200, {}, source);
    expect(source.destroyed).toBe(true);
  });

  it('is closed, because a header is invalid', async () => {
    const source = new Readable({ read() {} });
    const writeHead = () => {
      throw new TypeError('Invalid character in header content');
    };
    await expect(exchange('GET', { writeHead }).sendStream(200, {}, source)).rejects.toThrow(
      'Invalid character',
    );
    expect(source.destroyed).toBe(true);
  });
});
