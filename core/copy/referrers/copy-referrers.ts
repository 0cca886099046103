import { inParallel } from '../../async/in-parallel.ts';
import { wait } from '../../async/wait.ts';
import { DrayageError, type Retry } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Manifest } from '../../oci/manifest.ts';
import { pauseBefore } from '../blob/attempts.ts';
import { commitChildren, commitRoot } from '../commit.ts';
import { plan as planCopy } from '../plan.ts';
import type { CallOptions, ImageSource } from '../ports.ts';
import { BlobsOnce } from './blobs-once.ts';
import {
  type CopiedReferrer,
  describeReferrer,
  type FoundReferrers,
  type MissingReferrer,
  maxToldMissing,
  type Referrer,
  type ReferrerFailure,
  type ReferrersOutcome,
  referrerFailure,
} from './referrers.ts';
import { keepReferrersTag, type ReferrersDestination } from './referrers-tag.ts';

export interface CopyReferrersOptions extends CallOptions {
  /** How many attempts each referrer has before its temporary failure counts. */
  attempts?: number;
  /** How many are copied at once. */
  concurrency?: number;
  /** The size limit of each, in bytes; larger ones are left out. */
  maxBytes?: number;
  /** How to wait between two attempts, milliseconds; rejects when the signal ends. */
  pause?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

const defaultAttempts = 2;
const defaultConcurrency = 4;
/**
 * An SBOM has megabytes. Anything larger than this would take up the image's time, and can't be
 * handed out to another job.
 */
const defaultMaxBytes = 1024 ** 3;

/**
 * Copies what belongs to an image, each as an image of its own: blobs, then the manifest by digest,
 * or under cosign's tag, which a new signature moves. Content that the mirror already has is not
 * read from upstream again.
 *
 * A referrer that the mirror refuses (Amazon ECR refuses some artifacts:
 * https://github.com/aws/containers-roadmap/issues/2783), that upstream lists but does not have, or
 * that fails temporarily is reported as missing. It holds up neither the others nor the image.
 *
 * @throws only the signal's reason.
 */
export async function copyReferrers(
  source: ImageSource,
  destination: ReferrersDestination,
  found: FoundReferrers,
  options: CopyReferrersOptions = {},
): Promise<ReferrersOutcome> {
  const blobs = new BlobsOnce(source, destination, options.signal);
  const copier = new ReferrerCopier(source, destination, blobs, options);
  const results = await inParallel(
    found.referrers,
    options.concurrency ?? defaultConcurrency,
    (referrer) => copier.attempt(referrer),
    options.signal,
  );
  const unlisted = await listInTags(destination, found.referrers, results, options);
  const all = results.map((result, index) => unlisted.get(index) ?? result);
  const missing = all.flatMap(({ told, failure }) => (failure ? [{ ...told, ...failure }] : []));
  const incomplete = found.failures.find(({ temporary }) => temporary) ?? found.failures[0];
  return {
    copied: all.flatMap(({ told, failure }) => (failure ? [] : [told])),
    missing: missing.slice(0, maxToldMissing) satisfies MissingReferrer[],
    ...(missing.length > maxToldMissing ? { moreMissing: missing.length - maxToldMissing } : {}),
    ...(incomplete ? { incomplete } : {}),
    transfer: blobs.transfer(),
  };
}

/** The result for one referrer: without a failure, the mirror holds it. */
interface Result {
  told: CopiedReferrer;
  failure?: ReferrerFailure;
}

class ReferrerCopier {
  readonly #source: ImageSource;
  readonly #destination: ReferrersDestination;
  readonly #blobs: BlobsOnce;
  readonly #options: CopyReferrersOptions;
  /** A registry's rate limit is reached: asking for the others would prolong it. */
  #closed: ReferrerFailure | undefined;
  /** One has failed temporarily after all its attempts: the others get one attempt each. */
  #impatient = false;

  constructor(
    source: ImageSource,
    destination: ReferrersDestination,
    blobs: BlobsOnce,
    options: CopyReferrersOptions,
  ) {
    this.#source = source;
    this.#destination = destination;
    this.#blobs = blobs;
    this.#options = options;
  }

  async attempt(referrer: Referrer): Promise<Result> {
    const { signal, pause = wait } = this.#options;
    for (let attempt = 1; ; attempt++) {
      if (this.#closed) return { told: told(referrer), failure: this.#closed };
      try {
        return { told: told(referrer, await this.#copy(referrer)) };
      } catch (error) {
        signal?.throwIfAborted();
        const failure = referrerFailure(error);
        if (error instanceof DrayageError && error.retry.kind === 'rate-limit') this.#closed = failure;
        const attempts = this.#impatient ? 1 : (this.#options.attempts ?? defaultAttempts);
        const delay = this.#closed ? undefined : pauseBefore(attempt + 1, attempts, error);
        if (delay === undefined) {
          this.#impatient ||= failure.temporary === true;
          return { told: told(referrer), failure };
        }
        await pause(delay, signal);
      }
    }
  }

  /** @returns the manifest if it was read; it is not read if the mirror already has it. */
  async #copy(referrer: Referrer): Promise<Manifest | undefined> {
    const { digest, tag } = referrer;
    const call = { signal: this.#options.signal };
    // A correct tag is left alone: an immutable one refuses even its own digest.
    if ((await this.#destination.tagDigest(tag ?? digest, call)) === digest) return undefined;
    const manifest = await this.#source.manifest(digest, call);
    checkListed(referrer, manifest);
    const plan = await planCopy(this.#source, this.#destination, manifest, call);
    const maxBytes = this.#options.maxBytes ?? defaultMaxBytes;
    if (plan.sizeBytes > maxBytes) {
      throw new ReferrerError(
        'REFERRER_TOO_LARGE',
        digest,
        `it has ${plan.sizeBytes} bytes, more than the limit of ${maxBytes}`,
      );
    }
    const arrived = await this.#blobs.copy(plan);
    await commitChildren(this.#destination, plan, arrived, call);
    await commitRoot(this.#destination, plan, tag ?? digest, call);
    return manifest;
  }
}

/**
 * A list can't be trusted: a manifest that does not name the image as its subject does not belong
 * to it.
 */
function checkListed({ digest, subject, descriptor }: Referrer, manifest: Manifest): void {
  if (!descriptor) return;
  if (manifest.subject?.digest !== subject) {
    const names = manifest.subject ? `its subject is ${manifest.subject.digest}` : 'it has no subject';
    throw new ReferrerError(
      'SUBJECT_INVALID',
      digest,
      `it is listed as a referrer of ${subject}, but ${names}`,
    );
  }
  if (manifest.bytes.byteLength !== descriptor.size) {
    const detail = `it has ${manifest.bytes.byteLength} bytes, but its descriptor says ${descriptor.size}`;
    throw new ReferrerError('SIZE_INVALID', digest, detail);
  }
}

function told(referrer: Referrer, manifest?: Manifest): CopiedReferrer {
  const ofManifest =
    manifest?.artifactType ?? (manifest?.kind === 'image' ? manifest.config.mediaType : undefined);
  return describeReferrer(referrer, ofManifest ?? referrer.descriptor?.artifactType);
}

/**
 * Goes through the subjects one after the other. Returns the referrers that the mirror's registry
 * could not be made to list, by their position.
 */
async function listInTags(
  destination: ReferrersDestination,
  referrers: Referrer[],
  results: Result[],
  options: CallOptions,
): Promise<Map<number, Result>> {
  const unlisted = new Map<number, Result>();
  const bySubject = Map.groupBy(
    referrers.flatMap(({ subject, descriptor }, index) =>
      descriptor && results[index] && !results[index].failure
        ? [{ subject, descriptor, index, told: results[index].told }]
        : [],
    ),
    ({ subject }) => subject,
  );
  for (const [subject, held] of bySubject) {
    const descriptors: Descriptor[] = held.map(({ descriptor }) => descriptor);
    try {
      await keepReferrersTag(destination, subject as Digest, descriptors, { signal: options.signal });
    } catch (error) {
      options.signal?.throwIfAborted();
      const failure = referrerFailure(error);
      for (const { index, told } of held) unlisted.set(index, { told, failure });
    }
  }
  return unlisted;
}

type ReferrerErrorCode = 'REFERRER_TOO_LARGE' | 'SIZE_INVALID' | 'SUBJECT_INVALID';

/** Something that an upstream lists is not valid. */
class ReferrerError extends DrayageError {
  override readonly name = 'ReferrerError';
  readonly code: ReferrerErrorCode;
  readonly side = 'upstream';
  readonly remedy = 'ask its publisher to push a correct one, or do without it';
  readonly retry: Retry = { kind: 'never' };

  constructor(code: ReferrerErrorCode, digest: Digest, detail: string) {
    super(`${digest}: ${detail}`);
    this.code = code;
  }
}
