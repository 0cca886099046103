import type { RequestInfo } from '../../core/registry/transport/transport.ts';

/** What was asked of an upstream. */
export interface RequestCounts {
  registry: string;
  /** Manifests that were read: what rate limits count as pulls. */
  manifests: number;
  /** HEAD requests, which most registries do not count. */
  heads: number;
  /** Lists, logins and the like. */
  others: number;
}

/** Counts requests by upstream. */
export class RequestCounter {
  readonly #counts = new Map<string, RequestCounts>();

  /** Counts what a client asks of a registry. */
  of(registry: string): (info: RequestInfo) => void {
    const counts = { registry, manifests: 0, heads: 0, others: 0 };
    this.#counts.set(registry, counts);
    return ({ method, url }) => {
      if (method === 'HEAD') counts.heads += 1;
      else if (/\/manifests\/[^/]+$/.test(url)) counts.manifests += 1;
      else counts.others += 1;
    };
  }

  /** What was asked so far, in the order of the upstreams. */
  all(): RequestCounts[] {
    return [...this.#counts.values()].map((counts) => ({ ...counts }));
  }
}
