import { amountOf } from '../../core/copy/amount.ts';
import { imagePlatforms } from '../../core/copy/image-platforms.ts';
import { type CopyPlan, plan } from '../../core/copy/plan.ts';
import type { ReferrersSummary } from '../../core/copy/referrers/referrers.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { formatReference } from '../../core/oci/reference.ts';
import type { Verified } from '../../core/verify/verdict.ts';
import type { SyncImage } from './find-images.ts';
import { HeldRepository } from './held-repository.ts';
import type { SyncTarget } from './target.ts';

/** What was seen of an image that is at its destination now. */
export interface SeenImage {
  digest: Digest;
  sourceDigest: Digest;
  /** When its tags were looked at, ISO 8601. */
  observedAt: string;
  /** What was copied; absent if nothing was. */
  plan?: CopyPlan | undefined;
  referrers?: ReferrersSummary | undefined;
  /** What was verified first; absent: its rule requires nothing. */
  verified?: Verified | undefined;
}

/** Where images are, as a run finds out, besides what a former run wrote. */
export class MappingNotes {
  readonly #target: SyncTarget;
  readonly #before: ReadonlyMap<string, Mapping>;
  readonly #now = new Map<string, Mapping>();

  constructor(target: SyncTarget, before: readonly Mapping[]) {
    this.#target = target;
    this.#before = new Map(before.map((mapping) => [mapping.image, mapping]));
  }

  /** Notes an image. One that was mapped to the same digest before keeps what is known of it. */
  async note({ src, dst }: SyncImage, seen: SeenImage, signal: AbortSignal): Promise<void> {
    const { digest, sourceDigest, observedAt, referrers, verified } = seen;
    const [image, mirror] = [formatReference(src), formatReference(dst)];
    const before = this.#before.get(image);
    const isKept = before?.digest === digest && before.mirror === mirror;
    const mapping = isKept
      ? { ...before, sourceDigest, observedAt }
      : {
          image,
          mirror,
          ...(await this.#describe(dst.repository, mirror, seen, signal)),
          revision: (before?.revision ?? 0) + 1,
        };
    this.#now.set(image, {
      ...mapping,
      ...(referrers && { referrers }),
      ...(verified && { verified }),
    });
  }

  async #describe(
    repository: string,
    mirror: string,
    { digest, sourceDigest, observedAt, plan: copied }: SeenImage,
    signal: AbortSignal,
  ): Promise<Omit<Mapping, 'image' | 'mirror' | 'revision'>> {
    const { registry, client, region } = this.#target;
    const held = new HeldRepository(client, registry, repository);
    const whole = copied ?? (await plan(held, held, digest, { signal }));
    return {
      digest,
      pinned: formatReference({ registry, repository, digest }),
      sourceDigest,
      mediaType: whole.root.mediaType,
      platforms: await imagePlatforms(whole, new Map(), held, { signal }),
      sizeBytes: whole.sizeBytes,
      pin: false,
      regions: region === undefined ? {} : { [region]: { mirror, digest } },
      observedAt,
      mirroredAt: new Date().toISOString(),
      job: 'sync',
      ...(whole.foreign.length > 0 && { foreign: amountOf(whole.foreign) }),
    };
  }

  /**
   * All mappings now: those that were noted, and of the former ones that name the same destination
   * registry those that are to stay.
   *
   * @param stays whether an image was not looked at, or its copy failed
   */
  all(stays: (image: string) => boolean): Mapping[] {
    const kept = [...this.#before.values()].filter(
      ({ image, mirror }) =>
        !this.#now.has(image) && mirror.startsWith(`${this.#target.registry}/`) && stays(image),
    );
    return [...kept, ...this.#now.values()];
  }
}
