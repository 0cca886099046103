import { setImmediate as breathe } from 'node:timers/promises';
import type { Mapping } from '../../core/mapping/record.ts';
import type { KnownImages } from '../../core/rewrite/point-to-mirror.ts';
import { isMapping } from '../mapping/read-file.ts';
import { CompactList } from './compact-list.ts';

/** The mapping, as Pods are answered by it. */
export interface MappingIndex extends KnownImages {
  /** How many mappings there are. */
  count: number;
}

/** A text is not the whole of an export. */
export class InvalidExportError extends Error {
  override readonly name = 'InvalidExportError';
}

/** How an export begins. */
const head = '{"version":1,"mappings":[';
/** After so many lines, Pods that wait are answered. */
const linesAtOnce = 100;

/**
 * Reads an export as `GET /v1/exports/json` has it, a mapping a line. It takes its time: a hundred
 * thousand lines would otherwise keep Pods waiting for seconds.
 *
 * @param region whose mirror to use; by default, each mapping's own
 * @throws InvalidExportError
 */
export async function indexExport(text: string, region: string | undefined): Promise<MappingIndex> {
  const end = text.lastIndexOf('\n]}');
  if (!text.startsWith(`${head}\n`) || end < head.length || text.slice(end).trim() !== ']}')
    throw new InvalidExportError('it is not an export of version 1, or not the whole of it');
  const index = new IndexBuilder(region);
  // Line by line: a list of all lines would be one more copy in memory.
  let number = 1;
  for (let start = head.length + 1; start < end; number++) {
    const stop = Math.min(text.indexOf('\n', start), end);
    index.add(parseLine(text.slice(start, stop), number + 1));
    start = stop + 1;
    if (number % linesAtOnce === 0) await breathe();
  }
  return index.built();
}

/** An index of mappings that are read already. */
export function indexMappings(mappings: readonly Mapping[], region: string | undefined): MappingIndex {
  const index = new IndexBuilder(region);
  for (const mapping of mappings) index.add(mapping);
  return index.built();
}

function parseLine(line: string, number: number): Mapping {
  try {
    const mapping: unknown = JSON.parse(line.endsWith(',') ? line.slice(0, -1) : line);
    if (isMapping(mapping)) return mapping;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new InvalidExportError(`its line ${number} is not a mapping`);
}

class IndexBuilder {
  readonly #list: CompactList;
  readonly #hosts = new Set<string>();
  #count = 0;

  constructor(region: string | undefined) {
    this.#list = new CompactList(region);
  }

  add(mapping: Mapping): void {
    this.#list.add(mapping);
    const places = [mapping.mirror, ...Object.values(mapping.regions ?? {}).map(({ mirror }) => mirror)];
    for (const mirror of places) this.#hosts.add(mirror.slice(0, mirror.indexOf('/')));
    this.#count += 1;
  }

  built(): MappingIndex {
    const [list, hosts] = [this.#list, this.#hosts];
    return {
      count: this.#count,
      mapping: (image) => list.find(image),
      isMirror: (registry) => hosts.has(registry),
    };
  }
}
