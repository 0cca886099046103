import { enqueue } from '../../core/jobs/enqueue.ts';
import { presentJob } from '../../core/jobs/record.ts';
import { formatImageKey } from '../../core/mapping/record.ts';
import { parseReference } from '../../core/oci/reference.ts';
import { selectImage } from '../../core/policy/select-image.ts';
import { fitsIntoAnswer, HttpError, type HttpResponse, json } from '../shared/http.ts';
import type { Call } from './call.ts';
import { answerQueued } from './changes.ts';
import { badCursor, keyOf } from './mappings.ts';
import { parseBody, parseQuery } from './parse-input.ts';
import { jobsQuery, mirrorsBody } from './schemas/request.ts';

/** `GET /v1/jobs`, the newest first. */
export async function getJobs({ request, deployment }: Call): Promise<HttpResponse> {
  const { state, image, ...query } = parseQuery(request, jobsQuery);
  const page = await deployment.jobs
    .list({
      ...(state !== undefined && state.length > 0 && { states: state }),
      ...(image !== undefined && { image: formatImageKey(keyOf(image)) }),
      fits: fitsIntoAnswer(presentJob),
      ...query,
    })
    .catch(badCursor);
  return json(200, {
    jobs: page.jobs.map(presentJob),
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  });
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
  const { images } = parseBody(request, mirrorsBody);
  const keys = new Map(images.map((image) => [image, keyOf(image)]));
  for (const image of keys.keys()) {
    const selection = selectImage(config, parseReference(image));
    if (!selection.mirrored) throw new HttpError(403, 'not_configured', `${image}: ${selection.reason}`);
  }
  const distinct = new Map([...keys.values()].map((key) => [formatImageKey(key), key]));
  const { mappings, jobs, queue } = deployment;
  return await answerQueued(() =>
    enqueue(
      [...distinct.values()].map((key) => ({ key })),
      'request',
      { config, mappings, jobs, queue },
    ),
  );
}
