import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonInputError, type JsonItem, readJsonValues } from '../../../core/discover/json-values.ts';

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string | Uint8Array, size = 1_000_000): Promise<JsonItem[]> {
  const items: JsonItem[] = [];
  for await (const item of readJsonValues(inPieces(Buffer.from(text), size))) items.push(item);
  return items;
}

const values = async (text: string, size?: number) => (await read(text, size)).map(({ value }) => value);

describe('JSON, object by object', () => {
  it('reads the items of a list, in pieces of any size', async () => {
    const items = [{ a: 'x"]}\\' }, { b: [{ items: [1] }], c: { items: [{}] } }, { d: 'ü€😀' }];
    const text = JSON.stringify(
      { apiVersion: 'v1', note: 'items', items, kind: 'List', metadata: {} },
      null,
      2,
    );
    for (const size of [1, 2, 3, 7, 64, 100_000]) expect(await values(text, size)).toEqual(items);
    const [, second] = await read(text);
    expect(Buffer.from(text).subarray(second?.at).toString()).toMatch(/^\{\s*"b"/);
  });

  it.each([
    ['one object', '{"kind":"Pod"}', [{ kind: 'Pod' }]],
    ['an array', '[{"a":1},{"b":2}]', [{ a: 1 }, { b: 2 }]],
    ['a list in an object’s field', '{"x":{"items":[{"a":1}]}}', [{ x: { items: [{ a: 1 }] } }]],
    ['an empty list', '{"items":[]}', []],
    ['several', '{"items":[{"a":1}]}\n{"b":2}\n---\n[{"c":3}]\n', [{ a: 1 }, { b: 2 }, { c: 3 }]],
    ['a byte order mark', '\uFEFF{"a":1}', [{ a: 1 }]],
    ['nothing', ' \n', []],
    ['items that are no objects', '{"items":[1,"{",null,{"a":1}]}', [{ a: 1 }]],
  ])('%s', async (_, text, expected) => {
    for (const size of [1, 5, 1_000]) expect(await values(text, size)).toEqual(expected);
  });

  it.each([
    ['{"items":[{"a":1},{"b"', 'ends after 22 bytes in the middle of a value'],
    ['{"items":[{"a":}]}', 'the JSON object that begins at byte 10 is damaged'],
    ['Error from server', 'at byte 0 there is "E" where a JSON object should begin'],
    ['{"a":1}}', 'at byte 7 there is "}"'],
    ['"text"', 'at byte 0'],
  ])('%s is told', async (text, message) => {
    await expect(read(text)).rejects.toThrow(JsonInputError);
    await expect(read(text)).rejects.toThrow(message);
  });

  it('tells bytes that are not UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    await expect(read(bytes)).rejects.toThrow('begins at byte 0 is not UTF-8');
  });

  it('reads any values as JSON.parse does, or says what is wrong', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
        fc.nat(20),
        async (items, size) => {
          expect(await values(JSON.stringify({ items }), size + 1)).toEqual(
            JSON.parse(JSON.stringify(items)),
          );
        },
      ),
      { numRuns: 100 },
    );
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom(...'{}[]",:1 \\ai') }), async (text) => {
        await read(text, 3).catch((error: unknown) => expect(error).toBeInstanceOf(JsonInputError));
      }),
      { numRuns: 1_000 },
    );
  }, 30_000);
});
