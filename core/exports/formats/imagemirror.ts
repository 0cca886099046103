import { createHash } from 'node:crypto';
import type { ExportFormat } from '../export.ts';
import { imageTable, type RepositoryImages, tableValue } from '../image-table.ts';
import { maxShards } from '../manifests/admission-policy/sync-script.ts';

/**
 * An object takes at most so many bytes. etcd accepts 1.5 MiB, and the apiserver adds what it
 * records of the fields. https://etcd.io/docs/v3.6/dev-guide/limit/
 */
export const maxObjectBytes = 1_400_000;

/** Longer values lose the oldest images: one repository has to fit into one object. */
const maxValueBytes = 1_000_000;

/** The annotation of objects that have only part of the repositories. */
export const shardsAnnotation = 'drayage.dev/shards';

/**
 * The objects that the admission policy reads, `ImageMirror`: one key per upstream repository. Each
 * object is JSON, which is YAML, with a line per repository. Beyond 1.4 MB there are several, each
 * with the repositories of some hashes, and `main` is the last: whoever applies them in this order
 * never takes a repository away before another object has it.
 */
export const imagemirror: ExportFormat = {
  name: 'imagemirror',
  contentType: 'application/yaml',
  async *render(mappings) {
    const shards = shardsOf((await imageTable(mappings)).map(lineOf));
    yield head;
    for (const [index, lines] of [...shards.entries()].reverse()) {
      yield `---\n${objectStart(index, shards.length)}`;
      for (const [at, line] of lines.entries()) yield `${at === 0 ? '\n' : ',\n'}${line.text}`;
      yield `${lines.length === 0 ? '' : '\n'}}}}\n`;
    }
    yield `# complete: ${shards.length}\n`;
  },
};

const head = `# The images that Drayage has mirrored, for the policy that drayage export admission-policy prints.
# Apply it with kubectl apply --server-side --force-conflicts -f FILE; the CronJob drayage-sync does so every few minutes.
# It can't say which image a tag points to that is not mirrored, and a policy sees a change only once it is applied.
`;

interface Line {
  text: string;
  bytes: number;
  hash: number;
}

function lineOf({ repository, mirror, entries }: RepositoryImages): Line {
  const kept = [...entries];
  let value = tableValue({ mirror, entries: kept });
  if (value.length > maxValueBytes) {
    for (let length = value.length; length > maxValueBytes; ) length -= (kept.pop()?.length ?? 0) + 1;
    value = tableValue({ mirror, entries: kept });
  }
  const text = `${JSON.stringify(repository)}:${JSON.stringify(value)}`;
  return { text, bytes: Buffer.byteLength(text) + 2, hash: hashOf(repository) };
}

/** What an object takes besides its lines. */
const frameBytes = 300;

/** As few objects as are needed, a power of two of them unless some would be empty. */
function shardsOf(lines: readonly Line[]): Line[][] {
  for (let count = 1; ; count *= 2) {
    const shards = byHash(lines, count) ?? (count === maxShards ? byRoom(lines) : undefined);
    if (shards) return count === 1 ? shards : shards.filter((shard) => shard.length > 0);
  }
}

/** Each where its hash says; undefined if an object would be too large. */
function byHash(lines: readonly Line[], count: number): Line[][] | undefined {
  const shards = Array.from({ length: count }, (): Line[] => []);
  for (const line of lines) shards[line.hash % count]?.push(line);
  const sizes = shards.map((shard) => shard.reduce((sum, { bytes }) => sum + bytes, frameBytes));
  return sizes.every((size) => size <= maxObjectBytes) ? shards : undefined;
}

/**
 * Into as many objects as a cluster takes: two repositories with very many images may have hashes
 * that only far more objects would tell apart. The largest come first, and what there is no room
 * for goes into the next object. Undefined if there is too much for all of them.
 */
function byRoom(lines: readonly Line[]): Line[][] | undefined {
  const shards = Array.from({ length: maxShards }, () => ({ lines: [] as Line[], bytes: frameBytes }));
  for (const line of lines.toSorted((a, b) => b.bytes - a.bytes)) {
    const start = line.hash % maxShards;
    const shard = [...shards.slice(start), ...shards.slice(0, start)].find(
      ({ bytes }) => bytes + line.bytes <= maxObjectBytes,
    );
    if (shard === undefined) return undefined;
    shard.lines.push(line);
    shard.bytes += line.bytes;
  }
  return shards.map((shard) => shard.lines);
}

function hashOf(repository: string): number {
  return createHash('sha256').update(repository).digest().readUInt32BE();
}

function objectStart(index: number, count: number): string {
  const name = index === 0 ? 'main' : `main-${index + 1}`;
  const annotations = count > 1 ? `,"annotations":{"${shardsAnnotation}":"${count}"}` : '';
  return `{"apiVersion":"drayage.dev/v1","kind":"ImageMirror","metadata":{"name":"${name}"${annotations}},"spec":{"repositories":{`;
}
