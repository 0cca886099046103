/**
 * Parts of the distribution API that a registry may lack or refuse, each of which has a slower substitute:
 * - `mount`: mounting a blob of another repository. Substitute: a plain upload.
 * - `self-mount`: asking for a blob by a mount from the repository itself. Substitute: HEAD, then a plain upload.
 * - `manifest-head`: HEAD of a manifest. Substitute: GET.
 * - `blob-head`: HEAD of a blob. Substitute: an upload of a blob that may be there.
 * - `batch-check`: Amazon ECR's BatchCheckLayerAvailability. Substitute: HEAD of each blob.
 * - `page-size`: the parameter `n` of a list. Substitute: the list without it.
 * - `range`: reading a blob from an offset. Substitute: the whole blob again.
 */
export type OptionalFeature =
  | 'mount'
  | 'self-mount'
  | 'manifest-head'
  | 'blob-head'
  | 'batch-check'
  | 'page-size'
  | 'range';

/**
 * Which optional features a registry has refused. A feature is tried until the registry refuses it once; after that its substitute is
 * used right away, so that a saving that does not work costs one request, not one for each blob.
 */
export class RefusedFeatures {
  readonly #refused = new Set<string>();
  /** The largest request body to send, bytes: larger blobs go in chunks. Undefined until one is refused for its size. */
  maxBodyBytes: number | undefined;

  /** @param of what it was refused for, where that matters: the repository to mount from. */
  has(feature: OptionalFeature, of?: string): boolean {
    return this.#refused.has(feature) || (of !== undefined && this.#refused.has(`${feature} ${of}`));
  }

  /** @param of leave it out if the registry refuses the feature altogether. */
  add(feature: OptionalFeature, of?: string): void {
    this.#refused.add(of === undefined ? feature : `${feature} ${of}`);
  }
}
