import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ListError,
  type ListKey,
  ListReader,
} from '../../../../core/registry/operations/lists/list-reader.ts';

/** The items of a list that arrives in chunks of this size. */
function read(text: string | Uint8Array, chunk = 1_000_000, key: ListKey = 'tags'): (string | undefined)[] {
  const bytes = Buffer.from(text);
  const items: (string | undefined)[] = [];
  const reader = new ListReader(key, { onItem: (item) => items.push(item) });
  for (let at = 0; at < bytes.length; at += chunk) reader.write(bytes.subarray(at, at + chunk));
  reader.end();
  return items;
}

describe('a list of tags', () => {
  it.each([
    ['{"name":"a","tags":["1","2"]}', ['1', '2']],
    ['{"tags":[]}', []],
    ['{"tags":null}', []],
    [' {\n"tags" : [ "1" ,\t"2" ] , "name" : "a" }\r\n', ['1', '2']],
    ['{"tags":["\\u0061\\/b","\\"]"]}', ['a/b', '"]']],
    ['{"\\u0074ags":["1"]}', ['1']],
    [
      '{"tags":[1,true,null,{"tags":["x"]},["y"],"2"]}',
      [undefined, undefined, undefined, undefined, undefined, '2'],
    ],
    ['{"manifest":{"sha256:1":{"tag":["x"],"tags":["y"]}},"child":["tags"],"tags":["1"]}', ['1']],
    [`{"tags":["${'a'.repeat(2_000)}","1"]}`, [undefined, '1']],
  ])('%s gives %j', (text, items) => {
    for (const chunk of [1, 2, 7, 1_000]) expect(read(text, chunk)).toEqual(items);
  });

  it.each([
    ['', 'cut off'],
    ['{"tags":["1","2"', 'cut off'],
    ['{"tags":["1"]', 'cut off'],
    ['{"name":"a"}', 'not a list of tags'],
    ['{"tags":"all"}', 'not a list of tags'],
    ['{"tags":{"tags":[]}}', 'not a list of tags'],
    ['["tags"]', 'not a list of tags'],
    ['<html>', ''],
    ['{"tags":["1"]}{"tags":["2"]}', 'not a list of tags'],
    ['{"tags":["1"}]', 'not JSON'],
    [`{"x":${'['.repeat(100)}`, 'too deeply'],
  ])('%s is refused', (text, reason) => {
    expect(() => read(text)).toThrow(ListError);
    expect(() => read(text)).toThrow(reason);
  });

  it('is read under its key, and under no other', () => {
    const text = '{"tags":["1"],"repositories":["a/b","c"]}';
    expect(read(text, 3, 'repositories')).toEqual(['a/b', 'c']);
    expect(() => read('{"tags":["1"]}', 3, 'repositories')).toThrow('not a list of repositories');
  });

  it('brings the tags of manifests, whatever the chunks', () => {
    const manifest = fc.dictionary(
      fc.string(),
      fc.record(
        { mediaType: fc.string(), tag: fc.array(fc.string()), tags: fc.array(fc.string()) },
        { requiredKeys: [] },
      ),
    );
    const value = fc.record({ manifest, other: fc.jsonValue({ maxDepth: 4 }), tags: fc.array(fc.string()) });
    fc.assert(
      fc.property(value, fc.integer({ min: 1, max: 50 }), (list, chunk) => {
        const bytes = Buffer.from(JSON.stringify(list));
        const [items, found]: [unknown[], [string, string][]] = [[], []];
        const reader = new ListReader('tags', {
          onItem: (item) => items.push(item),
          onManifestTag: (key, tag) => found.push([key, tag]),
        });
        for (let at = 0; at < bytes.length; at += chunk) reader.write(bytes.subarray(at, at + chunk));
        reader.end();
        expect(items).toEqual(list.tags);
        const parsed: typeof list = JSON.parse(bytes.toString());
        expect(found).toEqual(
          Object.entries(parsed.manifest).flatMap(([key, { tag = [] }]) => tag.map((each) => [key, each])),
        );
      }),
    );
  });

  it('is what JSON.parse makes of it, whatever the chunks', () => {
    const value = fc.record({
      name: fc.string(),
      manifest: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })),
      tags: fc.array(fc.string({ unit: 'grapheme', maxLength: 100 })),
    });
    fc.assert(
      fc.property(value, fc.integer({ min: 1, max: 50 }), fc.boolean(), (list, chunk, spaced) => {
        const text = JSON.stringify(list, undefined, spaced ? 2 : undefined);
        expect(read(text, chunk)).toEqual(JSON.parse(text).tags);
      }),
    );
  });

  it('never does anything except read or refuse', () => {
    const piece = fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', '"tags"', 'null', '1', ' ');
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        try {
          read(pieces.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(ListError);
        }
      }),
    );
  });
});
