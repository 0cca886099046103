import type { Digest } from '../../oci/digest.ts';
import type { CallOptions } from '../ports.ts';

/**
 * Which repositories of a mirror registry hold a blob, shared by all workers. A blob that is
 * missing in one repository is mounted from another instead of being copied again. The index is
 * only a hint: a wrong entry costs one request and is dropped.
 */
export interface LayerIndex {
  /**
   * The repositories whose committed manifests hold these blobs, at most {@link maxHolders} each.
   * Blobs without a known holder are left out. Takes any number of digests; the index is queried in
   * batches.
   */
  find(digests: Digest[], options?: CallOptions): Promise<Map<Digest, string[]>>;
  /**
   * Records that committed manifests of the repository hold these blobs. Only then can a blob be
   * mounted from there: Amazon ECR refuses before a manifest names it (CR#2860).
   */
  add(repository: string, digests: Digest[]): Promise<void>;
  /** Forgets that the repository holds the blob. */
  drop(repository: string, digest: Digest): Promise<void>;
}

/**
 * The most repositories recorded for one blob. One is enough to mount from; the others are spares.
 */
export const maxHolders = 8;
