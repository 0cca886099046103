import { NotQueuedError } from '../../core/jobs/enqueue.ts';
import { presentJob } from '../../core/jobs/record.ts';
import { redrive } from '../../core/jobs/recovery/redrive.ts';
import { formatImageKey } from '../../core/mapping/record.ts';
import { HttpError, type HttpResponse, json } from '../shared/http.ts';
import type { Call } from './call.ts';
import { badCursor, keyOf } from './mappings.ts';
import { parseBody } from './parse-input.ts';
import { redriveBody } from './schemas/request.ts';

/** What `POST /v1/jobs/redrive` returns. */
export interface Redriven {
  jobs: ReturnType<typeof presentJob>[];
  skipped: SkippedJob[];
  cursor?: string;
}

/** A job that there is no use in trying again. */
export interface SkippedJob {
  id: string;
  image: string;
  /** `code: explanation` */
  reason: string;
}

/** The most jobs that one request tries again: each takes several writes. */
const pageSize = 200;

/** `POST /v1/jobs/redrive` */
export async function postRedrive({ request, deployment }: Call): Promise<HttpResponse> {
  const { state, image, since, until, cursor } = parseBody(request, redriveBody);
  const { config, mappings, jobs, queue } = deployment;
  const query = {
    state,
    image: image === undefined ? undefined : formatImageKey(keyOf(image)),
    since: since === undefined ? undefined : new Date(since),
    until: until === undefined ? undefined : new Date(until),
    cursor,
    limit: pageSize,
  };
  const redriven = await redrive(query, { config, mappings, jobs, queue }).catch((error: unknown) => {
    if (error instanceof NotQueuedError) throw new HttpError(503, 'not_queued', error.message);
    return badCursor(error);
  });
  const answer: Redriven = {
    jobs: redriven.jobs.map(presentJob),
    skipped: redriven.skipped.map(({ job: { id, key }, reason }) => ({
      id,
      image: formatImageKey(key),
      reason,
    })),
    ...(redriven.cursor !== undefined && { cursor: redriven.cursor }),
  };
  return json(202, answer);
}
