import { isRepository } from '../../oci/reference.ts';
import { RegistryError } from '../errors.ts';
import type { CallOptions } from '../exchange.ts';
import type { ListedTag } from '../operations/lists/tags.ts';
import { listChanged } from './pages.ts';
import type { TagApi } from './tag-api.ts';

/** After the API failed, it is not asked for this long. */
const restMs = 10 * 60_000;
/** These failures concern a repository, not everything: statuses, and codes. */
const aboutRepository: ReadonlySet<number | string | undefined> = new Set([
  400,
  401,
  403,
  404,
  'ANSWER_TOO_LARGE',
  listChanged,
]);

export interface TagListsOptions {
  /** Opens the API when it is first needed. */
  open(signal?: AbortSignal): Promise<TagApi | 'unknown' | undefined>;
  /** The tags by the distribution API. */
  plain(repository: string, options?: CallOptions): AsyncIterable<ListedTag>;
  /** Called when the API failed, and the distribution API is asked instead. */
  onApiFailed?: ((error: RegistryError) => void) | undefined;
  now?: () => number;
}

/**
 * Lists tags with their digests by a registry's own API. If that fails, even halfway, or knows no
 * tag at all, the rest comes from the distribution API, without digests. Each tag comes once.
 */
export class TagLists {
  readonly #options: TagListsOptions;
  readonly #now: () => number;
  #opened: { api: TagApi | undefined } | undefined;
  #restsUntil = 0;

  constructor(options: TagListsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * @throws RegistryError if the distribution API fails, too, and for the API's rate limit: more
   *   requests would only prolong it
   */
  async *list(repository: string, options: CallOptions = {}): AsyncGenerator<ListedTag> {
    const seen = new Set<string>();
    const isNew = ({ tag }: ListedTag) => seen.size < seen.add(tag).size;
    try {
      const tags = await this.#byApi(repository, options);
      for await (const tag of tags ?? []) if (isNew(tag)) yield tag;
      // An API that hides what one may not see has no tags instead of an error.
      if (seen.size > 0) return;
    } catch (error) {
      options.signal?.throwIfAborted();
      this.#judge(error);
    }
    for await (const tag of this.#options.plain(repository, options)) if (isNew(tag)) yield tag;
  }

  async #byApi(repository: string, options: CallOptions): Promise<AsyncIterable<ListedTag> | undefined> {
    if (this.#now() < this.#restsUntil || !isRepository(repository)) return undefined;
    if (!this.#opened) {
      const api = await this.#options.open(options.signal);
      if (api === 'unknown') return undefined;
      this.#opened = { api };
    }
    return await this.#opened.api?.list(repository, options);
  }

  /** Throws what the distribution API can't help with. */
  #judge(error: unknown): void {
    if (!(error instanceof RegistryError) || error.retry.kind === 'rate-limit') throw error;
    const { code, status } = error;
    if (!aboutRepository.has(code) && !aboutRepository.has(status)) this.#restsUntil = this.#now() + restMs;
    this.#options.onApiFailed?.(error);
  }
}
