import { setImmediate as breathe } from 'node:timers/promises';
import type { Mapping } from '../../core/mapping/record.ts';
import { parseReference } from '../../core/oci/reference.ts';
import type { KnownImages } from '../../core/rewrite/point-to-mirror.ts';
import { type ListedMapping, MappingList } from '../mapping/look-up.ts';
import { isMapping } from '../mapping/read-file.ts';

/** The mapping, as Pods are answered by it. */
export interface MappingIndex extends KnownImages {
  /** How many mappings there are. */
  count: number;
}

/** A text is not the whole of an export. */
export class InvalidExportError extends Error {
  override readonly name = 'InvalidExportError';
}

/** After so many lines, Pods that wait are answered. */
const linesAtOnce = 500;

/**
 * Reads an export as `GET /v1/exports/json` has it, a mapping a line. It takes its time: a hundred
 * thousand lines would otherwise keep Pods waiting for seconds.
 *
 * @param region whose mirror to use; by default, each mapping's own
 * @throws InvalidExportError
 */
export async function indexExport(text: string, region: string | undefined): Promise<MappingIndex> {
  const [head, ...lines] = text.trimEnd().split('\n');
  if (head !== '{"version":1,"mappings":[' || lines.pop() !== ']}')
    throw new InvalidExportError('it is not an export of version 1, or not the whole of it');
  const index = new IndexBuilder(region);
  for (const [at, line] of lines.entries()) {
    if (at % linesAtOnce === linesAtOnce - 1) await breathe();
    index.add(parseLine(line, at + 2));
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
  readonly #list: MappingList<ListedMapping>;
  readonly #hosts = new Set<string>();
  #count = 0;

  constructor(region: string | undefined) {
    this.#list = new MappingList<ListedMapping>([], region);
  }

  /** Keeps only what is needed to look images up. */
  add({ image, mirror, digest, pinned, sourceDigest, pin, regions }: Mapping): void {
    this.#list.add({ image, mirror, digest, pinned, sourceDigest, pin, regions });
    for (const reference of [mirror, ...Object.values(regions ?? {}).map((place) => place.mirror)])
      this.#hosts.add(parseReference(reference).registry);
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
