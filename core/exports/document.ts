import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Mapping } from '../mapping/record.ts';
import { type CompressedText, compress } from './compress.ts';
import type { ExportFilter } from './export.ts';
import { json } from './formats/json.ts';

/** The whole mapping as one document. */
export interface SnapshotDocument extends CompressedText {
  /**
   * A hash of the mappings without their times, in base64url: a look that finds nothing new does
   * not change it.
   */
  content: string;
  /** How many mappings there are. */
  count: number;
}

/** Writes mappings into a document. */
export async function writeDocument(mappings: AsyncIterable<Mapping>): Promise<SnapshotDocument> {
  const hash = createHash('sha256');
  let count = 0;
  async function* hashed(): AsyncGenerator<Mapping> {
    for await (const mapping of mappings) {
      const { observedAt: _, mirroredAt: __, ...content } = mapping;
      hash.update(JSON.stringify(content)).update('\n');
      count += 1;
      yield mapping;
    }
  }
  const compressed = await compress(json.render(hashed()));
  return { ...compressed, content: hash.digest('base64url'), count };
}

/** How the line of a mapping begins; an image reference has no character that JSON escapes. */
const lineStart = '{"image":"';

/** Reads the mappings of a document one after the other; only those that the filter lets pass. */
export async function* readDocument(gzip: Uint8Array, filter: ExportFilter = {}): AsyncGenerator<Mapping> {
  for await (const line of linesOf(gzip)) {
    if (!line.startsWith(lineStart) || !isNamed(line, filter)) continue;
    const mapping = JSON.parse(line.endsWith(',') ? line.slice(0, -1) : line) as Mapping;
    // So far, each mapping is of one region: that of its mirror.
    if (filter.region === undefined || Object.hasOwn(mapping.regions, filter.region)) yield mapping;
  }
}

async function* linesOf(gzip: Uint8Array): AsyncGenerator<string> {
  const text = Readable.from([gzip]).pipe(createGunzip()).setEncoding('utf8');
  let rest = '';
  for await (const chunk of text as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  yield rest;
}

/** Decided by the beginning of the line: to parse every line would take seconds. */
function isNamed(line: string, { registry, repository }: ExportFilter): boolean {
  const slash = line.indexOf('/', lineStart.length);
  if (registry !== undefined && line.slice(lineStart.length, slash) !== registry) return false;
  if (repository === undefined) return true;
  const end = slash + 1 + repository.length;
  return line.startsWith(repository, slash + 1) && (line[end] === ':' || line[end] === '@');
}
