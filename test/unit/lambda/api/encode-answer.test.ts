import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeAnswer } from '../../../../lambda/api/encode-answer.ts';
import { type HttpRequest, type HttpResponse, json, maxAnswerBytes } from '../../../../lambda/shared/http.ts';

const accepting = (coding?: string) =>
  ({ headers: coding === undefined ? {} : { 'accept-encoding': coding } }) as unknown as HttpRequest;
const list = (bytes: number) => json(200, { list: 'ab'.repeat(bytes / 2) });
/** Bytes that hardly compress, as text. */
const noise = (bytes: number) =>
  json(200, {
    noise: Array.from({ length: bytes / 8 }, (_, n) => Math.sin(n).toString(36).slice(-8)).join(''),
  });

function decoded({ body = '', isBase64Encoded, headers }: HttpResponse): string {
  if (isBase64Encoded !== true) return body;
  const bytes = Buffer.from(body, 'base64');
  return (
    headers?.['content-encoding'] === 'br' ? brotliDecompressSync(bytes) : gunzipSync(bytes)
  ).toString();
}

describe('an answer', () => {
  it.each([
    ['br', 'br'],
    ['gzip', 'gzip'],
    ['gzip, br', 'br'],
  ])('is compressed for %s and reads the same', async (header, coding) => {
    const sent = await encodeAnswer(accepting(header), list(100_000));
    expect(sent).toMatchObject({
      statusCode: 200,
      isBase64Encoded: true,
      headers: { 'content-encoding': coding, vary: 'accept-encoding' },
    });
    expect(sent.headers?.['content-type']).toBe('application/json; charset=utf-8');
    expect(sent.body?.length).toBeLessThan(1_000);
    expect(decoded(sent)).toBe(list(100_000).body);
  });

  it.each([
    ['for callers that do not ask for it', accepting(), list(100_000)],
    ['for callers that accept only what we do not have', accepting('deflate, zstd'), list(100_000)],
    ['if it is tiny', accepting('br, gzip'), list(900)],
    ['for callers that prefer plain answers', accepting('br;q=0.5, identity'), list(100_000)],
  ])('is sent plain %s, and caches are told that it varies', async (_, request, response) => {
    const sent = await encodeAnswer(request, response);
    expect(sent.body).toBe(response.body);
    expect(sent.isBase64Encoded).toBeUndefined();
    expect(sent.headers).toEqual({ ...response.headers, vary: 'accept-encoding' });
  });

  it('is compressed however small for callers that refuse plain answers', async () => {
    const sent = await encodeAnswer(accepting('gzip, identity;q=0'), list(10));
    expect(sent.headers).toMatchObject({ 'content-encoding': 'gzip' });
    expect(decoded(sent)).toBe(list(10).body);
  });

  it('without a body stays without one', async () => {
    const unchanged = { statusCode: 304, headers: { etag: 'W/"x"' } };
    expect(await encodeAnswer(accepting('br'), unchanged)).toEqual({
      statusCode: 304,
      headers: { etag: 'W/"x"', vary: 'accept-encoding' },
    });
  });

  it('that has a coding is left as it is', async () => {
    const packed = {
      statusCode: 200,
      headers: { 'content-encoding': 'gzip' },
      body: 'H4s=',
      isBase64Encoded: true,
    };
    expect(await encodeAnswer(accepting('br'), packed)).toBe(packed);
  });

  it('that is too large plain fits compressed', async () => {
    const large = list(maxAnswerBytes + 1_000_000);
    await expect(encodeAnswer(accepting(), large)).rejects.toMatchObject({
      status: 413,
      code: 'answer_too_large',
      message: expect.stringContaining('Accept-Encoding: br, gzip'),
    });
    expect(decoded(await encodeAnswer(accepting('gzip'), large))).toBe(large.body);
  });

  it('is refused if its base64 text is too large', async () => {
    await expect(encodeAnswer(accepting('gzip'), noise(8_000_000))).rejects.toMatchObject({ status: 413 });
  });

  it('is refused, without an attempt, if compressing it would take too long', async () => {
    await expect(encodeAnswer(accepting('gzip'), list(21_000_000))).rejects.toMatchObject({
      status: 413,
      message: expect.stringContaining('21.0 MB'),
    });
  });
});
