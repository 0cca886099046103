import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readDocument, writeDocument } from '../../../core/exports/document.ts';
import type { ExportFilter } from '../../../core/exports/export.ts';
import { exportTag } from '../../../core/exports/exporter.ts';
import { csv } from '../../../core/exports/formats/csv.ts';
import { exportFormat, exportFormats } from '../../../core/exports/formats/index.ts';
import { json } from '../../../core/exports/formats/json.ts';
import type { Mapping } from '../../../core/mapping/record.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { mapped } from '../../support/mapped.ts';

const mappingOf = (image: string, more: Partial<Mapping> = {}): Mapping => ({ ...mapped(image), ...more });

const app = mappingOf('ghcr.io/acme/app:1');
const byDigest = mappingOf(`ghcr.io/acme/app@${app.digest}`);
const withPort = mappingOf('ghcr.io:5000/acme/app:1');
const longer = mappingOf('docker.io/acme/app-two:1');
const all = [longer, app, byDigest, withPort];

async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

async function* from(mappings: Mapping[]): AsyncGenerator<Mapping> {
  yield* mappings;
}
const contentOf = async (...mappings: Mapping[]) => (await writeDocument(from(mappings))).content;

async function read(mappings: Mapping[], filter?: ExportFilter): Promise<Mapping[]> {
  const { gzip } = await writeDocument(from(mappings));
  return await listOf(readDocument(gzip, filter));
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  return (await listOf(pieces)).join('');
}

describe('the document of all mappings', () => {
  it.each([0, 1, 4])('is JSON of %i mappings, and tells its own size', async (count) => {
    const document = await writeDocument(from(all.slice(0, count)));
    const text = gunzipSync(document.gzip).toString('utf8');
    expect(JSON.parse(text)).toEqual({ version: 1, mappings: all.slice(0, count) });
    expect(document.textBytes).toBe(Buffer.byteLength(text));
    expect(document.count).toBe(count);
  });

  it('is read as it was written, also where a piece of it ends within a character', async () => {
    const many = Array.from({ length: 2_000 }, (_, n) => ({ ...app, job: `${'ü€🎉'.repeat(n % 50)}${n}` }));
    expect(await read(many)).toEqual(many);
  });

  it.each<[ExportFilter, Mapping[]]>([
    [{}, all],
    [{ registry: 'ghcr.io' }, [app, byDigest]],
    [{ registry: 'ghcr.io:5000' }, [withPort]],
    [{ registry: 'ghcr' }, []],
    [{ repository: 'acme/app' }, [app, byDigest, withPort]],
    [{ repository: 'acme/app-two' }, [longer]],
    [{ repository: 'app' }, []],
    [{ repository: 'acme' }, []],
    [{ registry: 'docker.io', repository: 'acme/app' }, []],
    [{ region: 'eu-west-1' }, all],
    [{ region: 'us-east-1' }, []],
    [{ region: 'constructor' }, []],
  ])('can be read in part: %o', async (filter, expected) => {
    expect(await read(all, filter)).toEqual(expected);
  });

  it('fails if it is cut off', async () => {
    const { gzip } = await writeDocument(from(all));
    await expect(listOf(readDocument(gzip.subarray(0, gzip.byteLength / 2)))).rejects.toThrow();
  });

  it('fails if a mapping can’t be read', async () => {
    const failing = (async function* () {
      yield app;
      throw new Error('the table is gone');
    })();
    await expect(writeDocument(failing)).rejects.toThrow('the table is gone');
  });
});

describe('the hash of its content', () => {
  it('does not depend on the times', async () => {
    const later = '2027-01-01T00:00:00.000Z';
    expect(await contentOf({ ...app, observedAt: later, mirroredAt: later })).toBe(await contentOf(app));
  });

  it('depends on everything else', async () => {
    const hash = await contentOf(app);
    for (const change of [
      { digest: digestOf(Buffer.from('other')) },
      { mirror: 'other.example/mirror/ghcr.io/acme/app:1' },
      { revision: 2 },
      { pin: true },
      { platforms: [] },
      { job: 'another' },
      { referrers: { copied: 1, missing: [] } } as unknown as Partial<Mapping>,
    ])
      expect(await contentOf({ ...app, ...change }), JSON.stringify(change)).not.toBe(hash);
    expect(await contentOf()).not.toBe(hash);
    expect(await contentOf(app, app)).not.toBe(hash);
    expect(await contentOf(app, longer)).not.toBe(await contentOf(longer, app));
  });
});

describe('the formats', () => {
  it('have names of their own, by which they are found', () => {
    const names = exportFormats.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const format of exportFormats) expect(exportFormat(format.name)).toBe(format);
    expect(exportFormat('toString')).toBeUndefined();
  });

  it('csv: quotes what needs it, and disarms what a spreadsheet would run', async () => {
    const hostile = {
      ...app,
      mediaType: '=HYPERLINK("http://evil.example")',
      platforms: ['linux/amd64', 'a,b'],
      job: 'two\nlines',
    };
    const text = await textOf(csv.render(from([hostile])));
    const [names = '', ...lines] = text.split('\r\n');
    expect(names.split(',')).toHaveLength(13);
    expect(lines.join('\r\n')).toBe(
      `ghcr.io/acme/app:1,${app.mirror},${app.digest},${app.pinned},${app.digest},` +
        '"\'=HYPERLINK(""http://evil.example"")","linux/amd64 a,b",1000,false,' +
        '2026-01-02T03:04:05.000Z,2026-01-02T03:04:05.000Z,1,"two\nlines"\r\n',
    );
  });

  it('csv: is one line of names without mappings', async () => {
    expect(await textOf(csv.render(from([])))).toMatch(/^image,[^\r\n]+\r\n$/);
  });
});

describe('the entity tag of an export', () => {
  const snapshot = { etag: '"0123"', bytes: 1, notes: {} };

  it('is the snapshot’s own for the whole as JSON', () => {
    expect(exportTag(snapshot, json, {})).toBe('0123');
  });

  it('is another one for every format and filter', () => {
    const filters: ExportFilter[] = [
      {},
      { registry: 'a' },
      { repository: 'a' },
      { region: 'a' },
      { registry: 'a', repository: 'a' },
      { registry: 'a,a' },
    ];
    const tags = exportFormats.flatMap((format) =>
      filters.map((filter) => exportTag(snapshot, format, filter)),
    );
    expect(new Set(tags).size).toBe(tags.length);
    for (const tag of tags) expect(tag).toMatch(/^0123(-[a-z-]+-[0-9a-f]{16})?$/);
  });
});
