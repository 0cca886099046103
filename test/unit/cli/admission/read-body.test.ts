import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { BodyReader } from '../../../../cli/admission/read-body.ts';

const mebibyte = 1024 * 1024;

/** A request whose body has begun. */
function requestWith(bytes: number, headers: Record<string, string> = {}) {
  const body = new PassThrough({ highWaterMark: 16 * mebibyte });
  if (bytes > 0) body.write(Buffer.alloc(bytes));
  return { body, request: Object.assign(body, { headers }) as unknown as IncomingMessage };
}

async function sizeOf(reader: BodyReader, bytes: number): Promise<number> {
  const { body, request } = requestWith(bytes);
  body.end();
  const read = await reader.read(request);
  return typeof read === 'number' ? read : read.byteLength;
}

describe('the bodies of requests', () => {
  it('are read up to 8 MiB, whatever their headers say', async () => {
    const reader = new BodyReader();
    expect(await sizeOf(reader, 0)).toBe(0);
    expect(await sizeOf(reader, 8 * mebibyte)).toBe(8 * mebibyte);
    expect(await sizeOf(reader, 8 * mebibyte + 1)).toBe(413);
    expect(await reader.read(requestWith(0, { 'content-length': '9000000' }).request)).toBe(413);
    expect(await sizeOf(reader, 8 * mebibyte)).toBe(8 * mebibyte);
  });

  it('may together not be large, except for small ones', async () => {
    const reader = new BodyReader();
    const slow = Array.from({ length: 4 }, () => requestWith(8 * mebibyte));
    const read = slow.map(({ request }) => reader.read(request));
    await new Promise(setImmediate);
    expect(await sizeOf(reader, 8 * mebibyte)).toBe(503);
    expect(await sizeOf(reader, mebibyte / 4)).toBe(mebibyte / 4);
    slow[0]?.body.destroy(new Error('the client went away'));
    await expect(read[0]).rejects.toThrow('went away');
    expect(await sizeOf(reader, 8 * mebibyte)).toBe(8 * mebibyte);
    for (const { body } of slow) body.end();
    expect((await Promise.all(read.slice(1))).map((each) => (each as Uint8Array).byteLength)).toEqual(
      Array.from({ length: 3 }, () => 8 * mebibyte),
    );
    expect(await sizeOf(reader, 8 * mebibyte)).toBe(8 * mebibyte);
  });
});
