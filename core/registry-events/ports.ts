import type { CallOptions } from '../copy/ports.ts';
import type { EnqueueDependencies } from '../jobs/enqueue.ts';
import type { ImageKey, MappingRemoval } from '../mapping/record.ts';
import type { Notifier } from '../notify/ports.ts';
import type { Digest } from '../oci/digest.ts';

/**
 * Why an image can't be pulled from the mirror any more. `deleted`: the registry does not have it.
 * `archived`: it has it, but answers pulls with 404 until it is restored or pushed again.
 * `untagged`: it is there, but not under this tag.
 */
export type LossReason = Exclude<MappingRemoval['reason'], 'deleted_upstream'>;

/** An image as a mapping names it. */
export interface MappedImage {
  digest: Digest;
  /** Absent: by its digest alone. */
  tag?: string;
}

/** Looks at the images of the mirror registry, without pulling them. */
export interface MirrorImages {
  /**
   * What is lost of some images of one repository, in their order; undefined: it can be pulled. A
   * tag that points to another digest does not count as lost, since the mapped digest can be
   * pulled.
   *
   * @throws RegistryError if the registry can't be asked: nothing is known then
   */
  losses(
    repository: string,
    images: MappedImage[],
    options?: CallOptions,
  ): Promise<(LossReason | undefined)[]>;
}

/** What settling losses works with. */
export interface LossDependencies extends EnqueueDependencies {
  images: MirrorImages;
  /** Tells others what was removed. */
  notifier: Notifier;
  /** Reports problems that need no second attempt. */
  warn: (message: string, error: unknown) => void;
}

/** Where the images are that events are about. */
export interface LossPlace {
  /** The mirror repository. */
  repository: string;
  /** Whose images it holds. */
  upstream: Pick<ImageKey, 'registry' | 'repository'>;
  deps: LossDependencies;
  signal?: AbortSignal | undefined;
}

/** A mapping that was removed, of a tag or of a digest. */
export interface RemovedImage {
  key: ImageKey;
  reason: MappingRemoval['reason'];
}

/**
 * The most messages in one invocation: more would have to be waited for.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
 */
export const eventBatchSize = 10;

/**
 * How often a message is received before it goes to the dead-letter queue. With the growing pauses
 * between them, that is after about an hour.
 */
export const eventReceiveCount = 10;
