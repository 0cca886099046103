import type { Digest } from '../../oci/digest.ts';
import type { CallOptions } from '../ports.ts';

/**
 * Which repositories of a mirror registry hold a blob, shared by all workers: what is missing in
 * one repository is mounted from another instead of travelling again. A hint, never the truth: an
 * entry that is wrong costs one request and is dropped.
 */
export interface LayerIndex {
  /**
   * The repositories whose committed manifests hold these blobs, at most {@link maxHolders} each.
   * Blobs that nobody is known to hold are left out. Any number; the index is asked in batches.
   */
  find(digests: Digest[], options?: CallOptions): Promise<Map<Digest, string[]>>;
  /**
   * Notes that committed manifests of the repository hold these blobs. Only then can a blob be
   * mounted from there: Amazon ECR refuses before a manifest names it (CR#2860).
   */
  add(repository: string, digests: Digest[]): Promise<void>;
  /** Forgets that the repository holds the blob. */
  drop(repository: string, digest: Digest): Promise<void>;
}

/**
 * More repositories than this are not noted of one blob: one is enough to mount from, the others
 * stand in for it.
 */
export const maxHolders = 8;
