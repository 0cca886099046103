import { orAborted } from '../async/or-aborted.ts';

/**
 * Parts of the distribution API that a registry may lack or refuse, each of which has a slower
 * substitute:
 * - `mount`: mounting a blob from another repository. Substitute: a plain upload.
 * - `self-mount`: asking for a blob by a mount from the repository itself. Substitute: HEAD, then a
 *   plain upload.
 * - `manifest-head`: HEAD of a manifest. Substitute: GET.
 * - `blob-head`: HEAD of a blob. Substitute: an upload of a blob that may be there.
 * - `batch-check`: Amazon ECR's BatchCheckLayerAvailability. Substitute: HEAD of each blob.
 * - `page-size`: the parameter `n` of a list. Substitute: the list without it.
 * - `range`: reading a blob from an offset. Substitute: the whole blob again.
 * - `referrers`: the referrers API. Substitute: the tag that clients maintain.
 */
export type OptionalFeature =
  | 'mount'
  | 'self-mount'
  | 'manifest-head'
  | 'blob-head'
  | 'batch-check'
  | 'page-size'
  | 'range'
  | 'referrers';

/**
 * Which optional features a registry has refused. A feature is tried until the registry refuses it
 * once; after that, its substitute is used right away, so that an optimization that does not work
 * costs one request, not one for each blob.
 */
export class RefusedFeatures {
  readonly #refused = new Set<string>();
  /** By feature, a promise that resolves when the first request for it has been answered. */
  readonly #first = new Map<OptionalFeature, Promise<void>>();
  /**
   * The largest request body to send, in bytes: larger blobs are sent in chunks. Undefined until
   * one is refused for its size.
   */
  maxBodyBytes: number | undefined;

  /** @param of what it was refused for, if that matters: the repository to mount from. */
  has(feature: OptionalFeature, of?: string): boolean {
    return this.#refused.has(feature) || (of !== undefined && this.#refused.has(`${feature} ${of}`));
  }

  /** @param of omit it if the registry refuses the feature altogether. */
  add(feature: OptionalFeature, of?: string): void {
    this.#refused.add(of === undefined ? feature : `${feature} ${of}`);
  }

  /**
   * Asks for a feature. While the first request for it is in progress, others wait for its result,
   * so that many that begin together cost one refusal. If the registry has refused it, or refuses
   * it now, `ask` is not called.
   *
   * @param ask calls {@link add} if the registry refuses
   * @returns undefined if the registry is known to refuse it
   */
  async firstAlone<T>(
    feature: OptionalFeature,
    ask: () => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    const first = this.#first.get(feature);
    if (first) {
      await orAborted(first, signal);
      return this.has(feature) ? undefined : await ask();
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#first.set(feature, promise);
    try {
      return await ask();
    } catch (error) {
      // Nothing is known: the next request becomes the first.
      this.#first.delete(feature);
      throw error;
    } finally {
      resolve();
    }
  }
}
