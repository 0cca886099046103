import type { CallOptions } from '../copy/ports.ts';
import type { DigestKey } from '../mapping/record.ts';
import type { MappingStore } from '../mapping/store.ts';
import type { Digest } from '../oci/digest.ts';
import type { HeldImage, References } from './plan.ts';

/** A repository of an upstream. */
export interface Place {
  registry: string;
  repository: string;
}

/** What the table knows about a digest, apart from tags. */
export interface KnownDigest {
  digest: Digest;
  claim?: string | undefined;
  /** What it is mapped to, which is another digest only if a platform filter made a new index. */
  mapped?: Digest | undefined;
  /** Whether it was published in its own right. */
  isListed: boolean;
  /** Whether an index names it. */
  isChild: boolean;
  /** Until when it can be looked up, milliseconds since 1970; absent: without end. */
  expiresAt?: number | undefined;
  /** Leases under which tags are, or were, being pointed to it. */
  writers: { fence: number; tag: string }[];
}

/** What the table knows about a tag. */
export interface KnownTag {
  tag: string;
  fence: number;
  /** What it is mapped to, or was when it was pinned. */
  digest?: Digest | undefined;
  /** Whether it was ever published. */
  wasPublished: boolean;
}

/** The right to delete an image, for a short time. */
export interface Retirement {
  /** Who deletes it. */
  owner: string;
  /** The digest's claim when it was read, before its tags were. */
  claim: string | undefined;
  /** Until when nobody may publish it, milliseconds since 1970. */
  until: number;
}

/**
 * Marks digests whose images are about to be deleted. While a digest is marked, and its time is not
 * up, nothing can be published that points to it.
 */
export interface RetiringStore {
  /** All digests of a repository. Read them before its tags. */
  digests(place: Place): AsyncIterable<KnownDigest>;
  tags(place: Place): AsyncIterable<KnownTag>;
  /** Forgets leases that can't publish any more. */
  forgetWriters(key: DigestKey, writers: KnownDigest['writers']): Promise<void>;
  /**
   * Marks a digest, and removes what it is mapped to, on condition that nobody has mapped it since
   * its claim was read, that no lease is noted, and that nobody else has marked it.
   *
   * @returns whether it is marked
   */
  begin(key: DigestKey, retirement: Retirement): Promise<boolean>;
  /** Removes a mark, if it is still this owner's. */
  end(key: DigestKey, owner: string): Promise<void>;
}

/** Why an image was not deleted. */
export interface DeletionFailure {
  code: string;
  reason: string;
}

/** The images of a mirror repository. */
export interface MirrorContents {
  /** All images, archived ones included; none if there is no such repository. */
  list(repository: string, options?: CallOptions): Promise<HeldImage[]>;
  /** What manifests refer to. Those that can't be read are left out. */
  references(
    repository: string,
    digests: readonly Digest[],
    options?: CallOptions,
  ): Promise<Map<Digest, References>>;
  /** The tags of some images now; those that are gone are left out. */
  tagsOf(
    repository: string,
    digests: readonly Digest[],
    options?: CallOptions,
  ): Promise<Map<Digest, string[]>>;
  /**
   * Deletes images with all their tags.
   *
   * @returns those that were not deleted, and why; what is gone already counts as deleted
   */
  remove(
    repository: string,
    digests: readonly Digest[],
    options?: CallOptions,
  ): Promise<Map<Digest, DeletionFailure>>;
}

/** What the mapping store does for retention. */
export type RetentionMappings = Pick<
  MappingStore,
  'history' | 'read' | 'retireDigest' | 'acquireLease' | 'renewLease' | 'releaseLease' | 'repositoriesOf'
>;
