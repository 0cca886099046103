/**
 * Parts of the distribution API that a registry may lack or refuse, each of which has a slower substitute:
 * - `mount`: mounting a blob of another repository. Substitute: a plain upload.
 * - `self-mount`: asking for a blob by a mount from the repository itself. Substitute: HEAD, then a plain upload.
 * - `manifest-head`: HEAD of a manifest. Substitute: GET.
 * - `page-size`: the parameter `n` of a list. Substitute: the list without it.
 * - `range`: reading a blob from an offset. Substitute: the whole blob again.
 * - `large-body`: a blob in one request body. Substitute: chunks.
 */
export type OptionalFeature = 'mount' | 'self-mount' | 'manifest-head' | 'page-size' | 'range' | 'large-body';

/**
 * Which optional features a registry has refused. A feature is tried until the registry refuses it once; after that its substitute is
 * used right away, so that a saving that does not work costs one request, not one for each blob.
 */
export class RefusedFeatures {
  readonly #refused = new Set<OptionalFeature>();

  has(feature: OptionalFeature): boolean {
    return this.#refused.has(feature);
  }

  add(feature: OptionalFeature): void {
    this.#refused.add(feature);
  }
}
