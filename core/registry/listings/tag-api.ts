import type { CallOptions } from '../exchange.ts';
import type { ListedTag } from '../operations/lists/tags.ts';

/** A registry's own API, beside the distribution API, that lists tags with their digests. */
export interface TagApi {
  /**
   * All tags of a repository, page by page as they are read. Pages have numbers: when a tag is
   * moved or deleted meanwhile, another may come twice, or be left out if the API does not tell how
   * many there are. Undefined if the API can't have this repository, or does not list all of its
   * tags.
   *
   * @param repository a valid one: it becomes part of a path
   */
  list(repository: string, options?: CallOptions): Promise<AsyncIterable<ListedTag> | undefined>;
}

/**
 * Which API an upstream has. `detect`: Harbor's, if the registry's challenge says that it is one.
 * `given`: one that is not part of the registry, such as Amazon ECR's.
 */
export type TagApiChoice =
  | { kind: 'docker-hub'; endpoint: string }
  | { kind: 'quay' }
  | { kind: 'harbor' }
  | { kind: 'detect' }
  | { kind: 'given'; api: TagApi };
