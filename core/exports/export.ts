import type { Mapping } from '../mapping/record.ts';
import { parseReference } from '../oci/reference.ts';
import type { FormatName } from './format-names.ts';

/** A form in which the whole mapping, or part of it, can be had: `GET /v1/exports/{name}`. */
export interface ExportFormat {
  name: FormatName;
  contentType: string;
  /**
   * The text of the mappings, in their order, in pieces. Mappings come one at a time: 100,000 of
   * them do not fit into the memory of a function at once.
   */
  render(mappings: AsyncIterable<Mapping>): AsyncIterable<string>;
  /** The same as several files, for those who want them rather than the text. */
  files?(mappings: AsyncIterable<Mapping>): Promise<ExportedFile[]>;
  /**
   * What the text has in place of the API's address, which only the command line knows and fills
   * in.
   */
  addressPlaceholder?: string;
}

/** One of the files of an export. */
export interface ExportedFile {
  /** Relative to the folder that the user names. */
  path: string;
  text: string;
  /** The first line, by which a file of an earlier export is known. */
  mark: string;
}

/** Which mappings an export has; absent fields do not limit it. */
export interface ExportFilter {
  /** As in image references: `docker.io`. */
  registry?: string | undefined;
  /** Without the registry: `library/nginx`. */
  repository?: string | undefined;
  /** A region whose mirror has the image. */
  region?: string | undefined;
}

/** Whether the filter lets a mapping pass. So far, each is of one region: that of its mirror. */
export function isSelected({ image, regions }: Mapping, filter: ExportFilter): boolean {
  const { registry, repository } = parseReference(image);
  if (filter.registry !== undefined && filter.registry !== registry) return false;
  if (filter.repository !== undefined && filter.repository !== repository) return false;
  // Files of earlier versions name no regions.
  return filter.region === undefined || Object.hasOwn(regions ?? {}, filter.region);
}

/** Whether the filter lets everything pass. */
export function isUnfiltered({ registry, repository, region }: ExportFilter): boolean {
  return registry === undefined && repository === undefined && region === undefined;
}
