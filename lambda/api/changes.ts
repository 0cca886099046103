import { requestChange } from '../../core/jobs/changes/request-change.ts';
import { NotQueuedError } from '../../core/jobs/enqueue.ts';
import { type Change, type JobRecord, presentJob } from '../../core/jobs/record.ts';
import { pastMappingOf, presentHistory } from '../../core/mapping/history.ts';
import { formatImageKey, isDigestKey, type TagKey } from '../../core/mapping/record.ts';
import type { HistoryEntry } from '../../core/mapping/store.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { RegistryError } from '../../core/registry/errors.ts';
import type { LossReason, MirrorImages } from '../../core/registry-events/ports.ts';
import { HttpError, type HttpResponse, json } from '../shared/http.ts';
import { logger } from '../shared/telemetry.ts';
import type { Call } from './call.ts';
import { conditionalJson } from './conditional.ts';
import { keyOf } from './mappings.ts';
import { parseBody, parseQuery } from './parse-input.ts';
import { historyQuery, rollbackBody, tagBody } from './schemas/request.ts';

/** How long the mirror registry may take to say whether it holds an image. */
const lookMs = 5_000;

/** `GET /v1/mappings/history` */
export async function getHistory({ request, deployment }: Call): Promise<HttpResponse> {
  const key = tagKeyOf(parseQuery(request, historyQuery).image);
  const [entries, hosts] = await Promise.all([
    historyOf(key, deployment),
    deployment.mappings.registryHosts(),
  ]);
  return conditionalJson(request, presentHistory(key, entries, hosts));
}

/** `POST /v1/mappings/rollback`: queues a job, if the mirror still holds the digest. */
export async function postRollback({ request, deployment }: Call): Promise<HttpResponse> {
  const { image, digest } = parseBody(request, rollbackBody);
  const key = tagKeyOf(image);
  const past = pastMappingOf(await historyOf(key, deployment), digest);
  if (!past)
    throw new HttpError(
      404,
      'not_mirrored',
      `${formatImageKey(key)} was not mapped to ${digest}: see its history for what it was mapped to`,
    );
  const { mirrorRepository } = past.mapping;
  const loss = await lookAt(deployment.images, mirrorRepository, digest);
  if (loss !== undefined)
    throw new HttpError(
      409,
      'gone',
      `${mirrorRepository}@${digest} is ${loss} in the mirror registry: choose another digest of the history`,
    );
  return await queued({ kind: 'rollback', digest }, key, deployment);
}

/** `POST /v1/mappings/pin` */
export async function postPin({ request, deployment }: Call): Promise<HttpResponse> {
  const key = tagKeyOf(parseBody(request, tagBody).image);
  const entries = await historyOf(key, deployment);
  if (entries.every(({ replacedAt }) => replacedAt !== undefined))
    throw new HttpError(
      404,
      'not_mirrored',
      `${formatImageKey(key)} is not mapped any more: roll back to a digest of its history, which pins it`,
    );
  return await queued({ kind: 'pin' }, key, deployment);
}

/** `POST /v1/mappings/unpin`; a tag whose image the mirror has lost can be unpinned as well. */
export async function postUnpin({ request, deployment }: Call): Promise<HttpResponse> {
  const key = tagKeyOf(parseBody(request, tagBody).image);
  await historyOf(key, deployment);
  return await queued({ kind: 'unpin' }, key, deployment);
}

/** @throws HttpError 400 invalid_reference, also for a reference by digest */
function tagKeyOf(image: string): TagKey {
  const key = keyOf(image);
  if (!isDigestKey(key)) return key;
  throw new HttpError(
    400,
    'invalid_reference',
    `${image} names a digest, which never moves: send a tag, such as ${formatImageKey({ ...key, reference: 'latest' })}`,
  );
}

/** @throws HttpError 404 not_mirrored if there is none */
async function historyOf(
  key: TagKey,
  { mappings }: Pick<Call['deployment'], 'mappings'>,
): Promise<HistoryEntry[]> {
  const entries = await mappings.history(key);
  if (entries.length > 0) return entries;
  throw new HttpError(404, 'not_mirrored', `${formatImageKey(key)} has not been mirrored (yet)`);
}

/** What the mirror registry has lost of an image; undefined: nothing. */
async function lookAt(
  images: MirrorImages,
  repository: string,
  digest: Digest,
): Promise<LossReason | undefined> {
  const signal = AbortSignal.timeout(lookMs);
  try {
    const [loss] = await images.losses(repository, [{ digest }], { signal });
    return loss;
  } catch (error) {
    const mayPass = error instanceof RegistryError && error.retry.kind !== 'never';
    if (!mayPass && !signal.aborted) throw error;
    logger.warn('the mirror registry could not be asked', { error: error as Error });
    throw new HttpError(503, 'mirror_unavailable', 'the mirror registry did not answer in time: try again');
  }
}

async function queued(change: Change, key: TagKey, deployment: Call['deployment']): Promise<HttpResponse> {
  const { config, mappings, jobs, queue } = deployment;
  return await answerQueued(async () => [
    await requestChange({ key, change }, { config, mappings, jobs, queue }),
  ]);
}

/**
 * Answers with the jobs that were queued.
 *
 * @throws HttpError 503 not_queued if the queue refused some
 */
export async function answerQueued(queue: () => Promise<JobRecord[]>): Promise<HttpResponse> {
  try {
    return json(202, { jobs: (await queue()).map(presentJob) });
  } catch (error) {
    if (error instanceof NotQueuedError) throw new HttpError(503, 'not_queued', error.message);
    throw error;
  }
}
