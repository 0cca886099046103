import { InvalidReferenceError, parseReference } from '../../core/oci/reference.ts';
import { type Requested, requestReconcile } from '../../core/reconcile/request.ts';
import type { Place } from '../../core/reconcile/round.ts';
import { HttpError, type HttpResponse, json } from '../shared/http.ts';
import type { Call } from './call.ts';
import { parseBody } from './parse-input.ts';
import { reconcileBody } from './schemas/request.ts';

/** What `POST /v1/reconcile` answers. */
export interface ReconcileRequested {
  requested: Requested[];
}

/** `POST /v1/reconcile`: what is asked for is due at once; the reconcile function does it. */
export async function postReconcile({ request, deployment }: Call): Promise<HttpResponse> {
  const { repository } = parseBody(request, reconcileBody);
  const place = repository === undefined ? undefined : placeOf(repository);
  const { config, reconcileStore: store } = deployment;
  const requested = await requestReconcile(config, place, { store, now: new Date() });
  if ('refused' in requested)
    throw new HttpError(403, 'not_configured', `${repository}: ${requested.refused}`);
  return json(202, { requested } satisfies ReconcileRequested);
}

/** The repository that a request names. @throws HttpError 400 for anything else */
export function placeOf(text: string): Place {
  try {
    const { registry, repository, tag, digest } = parseReference(text);
    const bare = `${registry}/${repository}`;
    if (digest !== undefined || (tag !== undefined && text.endsWith(`:${tag}`)))
      throw new HttpError(
        400,
        'invalid_reference',
        `${text} names one image: leave out its tag and digest (${bare}), or request it (POST /v1/mirrors)`,
      );
    return { registry, repository };
  } catch (error) {
    if (error instanceof InvalidReferenceError) throw new HttpError(400, 'invalid_reference', error.message);
    throw error;
  }
}
