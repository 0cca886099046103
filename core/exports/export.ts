import type { Mapping } from '../mapping/record.ts';

/** A form in which the whole mapping, or part of it, can be had: `GET /v1/exports/{name}`. */
export interface ExportFormat {
  name: string;
  contentType: string;
  /**
   * The text of the mappings, in their order, in pieces. Mappings come one at a time: 100,000 of
   * them do not fit into the memory of a function at once.
   */
  render(mappings: AsyncIterable<Mapping>): AsyncIterable<string>;
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

/** Whether the filter lets everything pass. */
export function isUnfiltered({ registry, repository, region }: ExportFilter): boolean {
  return registry === undefined && repository === undefined && region === undefined;
}
