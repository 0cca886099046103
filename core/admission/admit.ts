import { orAborted } from '../async/or-aborted.ts';
import type { KnownImages } from '../rewrite/point-to-mirror.ts';
import type { AdmissionChoice } from './choice.ts';
import { denial, missingWarnings, notLookedUp } from './messages.ts';
import { imagesOf, type PodImage } from './pod-images.ts';
import { type PointedPod, pointPod, referencesIn } from './point-pod.ts';
import { type AdmissionAnswer, type AdmissionRequest, allow, deny, parseReview } from './review.ts';

/** What {@link admit} works with. */
export interface AdmissionDependencies {
  choice: AdmissionChoice;
  /** Looks references up, all at once. */
  lookUp(images: readonly string[]): Promise<KnownImages>;
  /** Asks for images to be mirrored; used only by the choice `enqueue`. */
  enqueue(images: readonly string[]): Promise<void>;
  /** For how long a Pod may wait for us, in milliseconds. */
  deadlineMs: number;
  /** Told once about each request that was answered. */
  report(outcome: AdmissionOutcome): void;
}

/** What became of a request, for logs. */
export interface AdmissionOutcome {
  uid: string;
  operation: string;
  namespace?: string | undefined;
  name?: string | undefined;
  dryRun: boolean;
  allowed: boolean;
  /** How many references the request brought, and how many of them change. */
  images: number;
  changed: number;
  /** The references that have no mapping. */
  missing: string[];
  /** Why images were not looked up, or not enqueued. */
  failure?: unknown;
}

/**
 * Answers an AdmissionReview. Whatever fails on our side, in time or not, lets the Pod pass as it
 * is: only an image that is known not to be mirrored can be refused.
 *
 * @throws InvalidReviewError if the body is not an AdmissionReview
 */
export async function admit(body: Uint8Array, deps: AdmissionDependencies): Promise<AdmissionAnswer> {
  const request = parseReview(body);
  const signal = AbortSignal.timeout(deps.deadlineMs);
  let images: PodImage[] | undefined;
  try {
    images = imagesOf(request);
    const references = referencesIn(images);
    const known = references.length === 0 ? nothing : await orAborted(deps.lookUp(references), signal);
    return await decide(request, images, known, { ...deps, signal });
  } catch (failure) {
    deps.report(outcomeOf(request, images ?? [], { failure }));
    const isDue = images?.length !== 0 && deps.choice.missing !== 'keep';
    return allow(request.uid, { warnings: isDue ? [notLookedUp] : [] });
  }
}

const nothing: KnownImages = { mapping: () => undefined, isMirror: () => false };

async function decide(
  request: AdmissionRequest,
  images: readonly PodImage[],
  known: KnownImages,
  deps: AdmissionDependencies & { signal: AbortSignal },
): Promise<AdmissionAnswer> {
  const { missing, tags = false } = deps.choice;
  const pointed = pointPod(request.object, images, known, { tags });
  const isDenied = missing === 'deny' && pointed.missing.length + pointed.invalid.length > 0;
  if (isDenied) {
    deps.report(outcomeOf(request, images, { pointed, allowed: false }));
    return deny(request.uid, denial(pointed));
  }
  const asks = missing === 'enqueue' && request.dryRun !== true && pointed.missing.length > 0;
  const failure = asks
    ? await failureOf(() => orAborted(deps.enqueue(referencesIn(pointed.missing)), deps.signal))
    : undefined;
  deps.report(outcomeOf(request, images, { pointed, failure }));
  const warnings =
    missing === 'keep' ? [] : missingWarnings(pointed, { isAskedFor: asks && failure === undefined });
  return allow(request.uid, { patch: pointed.patch, warnings });
}

/** Why some work failed; undefined if it did not. */
async function failureOf(work: () => Promise<void>): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error ?? new Error('it failed without a reason');
  }
}

function outcomeOf(
  { uid, operation, namespace, name, dryRun }: AdmissionRequest,
  images: readonly PodImage[],
  { pointed, allowed = true, failure }: { pointed?: PointedPod; allowed?: boolean; failure?: unknown },
): AdmissionOutcome {
  return {
    uid,
    operation,
    namespace,
    name,
    dryRun: dryRun === true,
    allowed,
    images: images.length,
    changed: pointed?.changed ?? 0,
    missing: referencesIn(pointed?.missing ?? []),
    ...(failure !== undefined && { failure }),
  };
}
