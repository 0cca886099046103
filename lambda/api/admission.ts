import { type AdmissionOutcome, admit } from '../../core/admission/admit.ts';
import { type AdmissionChoice, parseChoice } from '../../core/admission/choice.ts';
import { allow, InvalidReviewError, parseReview } from '../../core/admission/review.ts';
import { orAborted } from '../../core/async/or-aborted.ts';
import { enqueue } from '../../core/jobs/enqueue.ts';
import { resolveImages } from '../../core/mapping/lookup.ts';
import { imageKey } from '../../core/mapping/record.ts';
import type { MappingStore } from '../../core/mapping/store.ts';
import { parseReference } from '../../core/oci/reference.ts';
import { selectImage } from '../../core/policy/select-image.ts';
import type { KnownImages } from '../../core/rewrite/point-to-mirror.ts';
import { isOneOf } from '../../core/webhooks/authenticity/equal-secrets.ts';
import { deriveSecret, type SecretRoots } from '../../core/webhooks/secrets/secrets.ts';
import { HttpError, type HttpRequest, type HttpResponse, json } from '../shared/http.ts';
import { logger } from '../shared/telemetry.ts';
import type { ApiDeployment } from './api-deployment.ts';
import type { Call } from './call.ts';

/** Lambda takes 6 MB as JSON, and the apiserver objects of 1.5 MB. */
const mostBytes = 5 * 1024 * 1024;
/** What the way to us and back takes of the webhook’s timeout, with a function that starts anew. */
const wayMs = 1_500;
/** Without a timeout in the request, or with a long one. */
const usualMs = 2_500;
const leastMs = 250;

/** The address of the admission webhook, as `GET /v1/admission` shows it. */
export interface AdmissionAddress {
  /** For `clientConfig.url`. Callers that may only read get `…` instead of the token. */
  url: string;
}

/** `GET /v1/admission`: where apiservers send their reviews. Only the operator sees the token. */
export async function getAdmission({ request, caller, deployment }: Call): Promise<HttpResponse> {
  const token = caller === 'operator' ? tokenOf((await deployment.webhookRoots()).root) : '…';
  return json(200, { url: `${request.origin}/v1/admission/${token}` } satisfies AdmissionAddress);
}

/**
 * `POST /v1/admission/{token}` and `…/{token}/{choice}`. From a caller with the token, everything
 * that is an AdmissionReview is answered, whatever fails on our side.
 */
export async function postAdmission({ request, deployment }: Call): Promise<HttpResponse> {
  const [, , , token = '', segment = 'keep'] = request.path.split('/');
  const choice = parseChoice(segment);
  const until = performance.now() + deadlineOf(request);
  const isAuthentic = await isToken(token, deployment, AbortSignal.timeout(deadlineOf(request)));
  if (isAuthentic === false || choice === undefined)
    throw new HttpError(404, 'not_found', 'there is no such route');
  if (request.body.byteLength > mostBytes)
    throw new HttpError(413, 'too_large', `an AdmissionReview has at most ${mostBytes} bytes`);
  try {
    if (isAuthentic === 'unknown') return json(200, allow(parseReview(request.body).uid));
    return json(200, await admit(request.body, dependencies(choice, until, deployment)));
  } catch (error) {
    if (error instanceof InvalidReviewError) throw new HttpError(400, 'invalid_review', error.message);
    throw error;
  }
}

/** A webhook secret like the others, so it is there with and without tokens of the API. */
function tokenOf(root: string): string {
  return deriveSecret(root, 'admission');
}

/** Whether a token is valid; unknown while the secret can't be read, or not in time. */
async function isToken(
  token: string,
  deployment: ApiDeployment,
  signal: AbortSignal,
): Promise<boolean | 'unknown'> {
  let roots: SecretRoots;
  try {
    roots = await orAborted(deployment.webhookRoots(), signal);
  } catch (error) {
    logger.error('the admission token could not be checked', { error: error as Error });
    return 'unknown';
  }
  const { root, previousRoot } = roots;
  return isOneOf(token, [root, ...(previousRoot ? [previousRoot] : [])].map(tokenOf));
}

function dependencies(choice: AdmissionChoice, until: number, deployment: ApiDeployment) {
  return {
    choice,
    deadlineMs: Math.max(0, Math.floor(until - performance.now())),
    lookUp: (images: readonly string[]) => lookUp(images, deployment.mappings),
    enqueue: (images: readonly string[]) => enqueueConfigured(images, deployment),
    report,
  };
}

/** The apiserver tells its patience in the query: `?timeout=5s`. */
function deadlineOf({ query }: HttpRequest): number {
  const seconds = Number(/^(\d{1,2})s$/.exec(query.get('timeout') ?? '')?.[1] ?? Number.NaN);
  return Number.isNaN(seconds) ? usualMs : Math.min(usualMs, Math.max(leastMs, seconds * 1_000 - wayMs));
}

/** Two reads in parallel, strongly consistent, for up to a hundred images. */
async function lookUp(images: readonly string[], store: MappingStore): Promise<KnownImages> {
  const read = store.registryHosts();
  const shared = { readMany: store.readMany.bind(store), registryHosts: () => read };
  const [{ mappings }, hosts] = await Promise.all([resolveImages(shared, [...images]), read]);
  const registries = new Set(Object.values(hosts));
  return { mapping: (image) => mappings[image], isMirror: (registry) => registries.has(registry) };
}

/** Queues those that a rule names, each at most once in ten minutes. */
async function enqueueConfigured(images: readonly string[], deployment: ApiDeployment): Promise<void> {
  const { config, mappings, jobs, queue, recentlyAsked } = deployment;
  const configured = images.filter((image) => selectImage(config, parseReference(image)).mirrored);
  const due = recentlyAsked.take(configured);
  if (due.length === 0) return;
  try {
    const keys = due.map((image) => ({ key: imageKey(parseReference(image)) }));
    await enqueue(keys, 'request', { config, mappings, jobs, queue });
  } catch (error) {
    recentlyAsked.forget(due);
    throw error;
  }
}

function report({ failure, ...outcome }: AdmissionOutcome): void {
  if (failure === undefined) logger.info('admission', { ...outcome });
  else logger.warn('a Pod was admitted unchanged', { ...outcome, error: failure as Error });
}
