import { Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { UploadSource } from '../../../../core/registry/operations/upload-source.ts';

const context = { side: 'mirror', registry: 'ecr', operation: 'upload blob' } as const;

async function* chunks(...sizes: number[]): AsyncGenerator<Uint8Array> {
  for (const size of sizes) yield new Uint8Array(size);
}

async function drain(source: UploadSource): Promise<number> {
  let total = 0;
  for await (const chunk of source) total += chunk.byteLength;
  return total;
}

describe('UploadSource', () => {
  it('passes exactly the announced bytes', async () => {
    const source = new UploadSource(chunks(3, 0, 4), 7, context);
    expect(await drain(source)).toBe(7);
    expect(source).toMatchObject({ sent: 7, failure: undefined });
  });

  it.each([
    [[3, 3], /ended after 6 bytes, but 7 were announced/],
    [[], /ended after 0 bytes/],
    [[3, 5], /has at least 8 bytes, but 7 were announced/],
  ])('refuses a body of %j bytes for 7', async (sizes, message) => {
    const source = new UploadSource(chunks(...sizes), 7, context);
    await expect(drain(source)).rejects.toMatchObject({
      code: 'SIZE_INVALID',
      message: expect.stringMatching(message),
    });
    expect(source.sent).toBeLessThanOrEqual(7);
  });

  it('remembers the body’s own failure', async () => {
    const error = new Error('upstream broke');
    const body = Readable.from(
      (async function* () {
        yield new Uint8Array(1);
        throw error;
      })(),
    );
    const source = new UploadSource(body, 7, context);
    await expect(drain(source)).rejects.toBe(error);
    expect(source.failure).toEqual({ error });
  });

  it('releases a body that never started', async () => {
    const stream = new Readable({ read() {} });
    new UploadSource(stream, 7, context).destroy();
    expect(stream.destroyed).toBe(true);

    const returned = vi.fn(async () => ({ done: true as const, value: undefined }));
    const iterator = { next: vi.fn(), return: returned };
    new UploadSource({ [Symbol.asyncIterator]: () => iterator }, 7, context).destroy();
    await vi.waitFor(() => expect(returned).toHaveBeenCalledOnce());
    expect(iterator.next).not.toHaveBeenCalled();
  });
});
