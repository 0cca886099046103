import { enqueue, NotQueuedError } from '../../core/jobs/enqueue.ts';
import { type JobState, jobStates, presentJob } from '../../core/jobs/record.ts';
import { formatImageKey } from '../../core/mapping/record.ts';
import { parseReference } from '../../core/oci/reference.ts';
import { selectImage } from '../../core/policy/select-image.ts';
import {
  fitsIntoAnswer,
  HttpError,
  type HttpRequest,
  type HttpResponse,
  json,
  jsonObject,
} from '../shared/http.ts';
import type { Call } from './call.ts';
import { badCursor, keyOf } from './mappings.ts';
import { limitOf, textList } from './parameters.ts';

const defaultLimit = 50;
const maxLimit = 500;
const maxImages = 100;

/** `GET /v1/jobs`, the newest first. */
export async function getJobs({ request, deployment }: Call): Promise<HttpResponse> {
  const image = request.query.get('image');
  const page = await deployment.jobs
    .list({
      states: statesOf(request),
      image: image === null ? undefined : formatImageKey(keyOf(image)),
      cursor: request.query.get('cursor') ?? undefined,
      limit: limitOf(request, defaultLimit, maxLimit),
      fits: fitsIntoAnswer(presentJob),
    })
    .catch(badCursor);
  return json(200, {
    jobs: page.jobs.map(presentJob),
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  });
}

function statesOf(request: HttpRequest): JobState[] | undefined {
  const text = request.query.get('state');
  if (text === null || text === '') return undefined;
  const states = text.split(',');
  const isState = (state: string): state is JobState => (jobStates as readonly string[]).includes(state);
  if (states.every(isState)) return states;
  throw new HttpError(
    400,
    'invalid_request',
    `state must be one of ${jobStates.join(', ')}, or several with commas`,
  );
}

/** `GET /v1/jobs/{id}` */
export async function getJob({ parameter: id, deployment }: Call): Promise<HttpResponse> {
  const job = await deployment.jobs.read(id);
  if (!job) throw new HttpError(404, 'not_found', 'there is no job with this id; jobs are kept for 30 days');
  return json(200, presentJob(job));
}

/**
 * `POST /v1/mirrors`: queues images on demand. All or none: one image that no rule names is enough
 * to refuse the request.
 */
export async function postMirrors({ request, deployment }: Call): Promise<HttpResponse> {
  const { config } = deployment;
  const images = textList(jsonObject(request), 'images', maxImages);
  const keys = new Map(images.map((image) => [image, keyOf(image)]));
  for (const image of keys.keys()) {
    const selection = selectImage(config, parseReference(image));
    if (!selection.mirrored) throw new HttpError(403, 'not_configured', `${image}: ${selection.reason}`);
  }
  const distinct = new Map([...keys.values()].map((key) => [formatImageKey(key), key]));
  try {
    const { mappings, jobs, queue } = deployment;
    const queued = await enqueue(
      [...distinct.values()].map((key) => ({ key })),
      'request',
      { config, mappings, jobs, queue },
    );
    return json(202, { jobs: queued.map(presentJob) });
  } catch (error) {
    if (error instanceof NotQueuedError) throw new HttpError(503, 'not_queued', error.message);
    throw error;
  }
}
