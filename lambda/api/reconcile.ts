import { InvalidReferenceError, parseReference } from '../../core/oci/reference.ts';
import type { DryRun, Scope } from '../../core/reconcile/dry-run/report.ts';
import { type Requested, requestDryRun, requestReconcile } from '../../core/reconcile/request.ts';
import {
  type Found,
  isDue,
  isSearchAwaited,
  type Place,
  type Round,
  type RoundError,
} from '../../core/reconcile/round.ts';
import { HttpError, type HttpResponse, json } from '../shared/http.ts';
import type { Call } from './call.ts';
import { parseBody, parseQuery } from './parse-input.ts';
import { reconcileBody, reconcileQuery } from './schemas/request.ts';

/** What `POST /v1/reconcile` answers. */
export interface ReconcileRequested {
  requested: Requested[];
}

/** What `GET /v1/reconcile` answers. Times are ISO 8601. */
export interface ReconcileState extends Scope {
  /** Whether a comparison is due or under way. */
  isPending: boolean;
  /** Of an upstream: how many are due or under way; not all if there are very many. */
  due?: number;
  /** Its rate limit is reached, or it is down: it is not asked before. */
  closedUntil?: string;
  /** The latest comparison of the repository. */
  round?: PresentedRound;
  /** Whether a dry run is asked for, or under way. */
  isDryRunPending: boolean;
  /** What the latest dry run found. */
  dryRun?: DryRun;
}

/** A comparison of a repository with the mirror. */
export interface PresentedRound {
  begunAt?: string;
  finishedAt?: string;
  dueAt: string;
  found?: Found;
  failures?: number;
  error?: RoundError;
}

/**
 * `POST /v1/reconcile`: what is asked for is due at once; the reconcile function does it. With
 * `dryRun`, it only reports what it would do.
 */
export async function postReconcile({ request, deployment }: Call): Promise<HttpResponse> {
  const { repository, dryRun } = parseBody(request, reconcileBody);
  const place = repository === undefined ? undefined : placeOf(repository);
  const { config, reconcileStore, dryRunStore } = deployment;
  const now = new Date();
  const requested = dryRun
    ? await requestDryRun(config, place, { store: dryRunStore, now })
    : await requestReconcile(config, place, { store: reconcileStore, now });
  if ('refused' in requested)
    throw new HttpError(403, 'not_configured', `${repository}: ${requested.refused}`);
  return json(202, { requested } satisfies ReconcileRequested);
}

/** `GET /v1/reconcile`: what became of the latest comparison, and of the latest dry run. */
export async function getReconcile({ request, deployment }: Call): Promise<HttpResponse> {
  const { registry, repository } = parseQuery(request, reconcileQuery);
  const scope: Scope = { registry, ...(repository !== undefined && { repository }) };
  const { config, reconcileStore, dryRunStore, upstreamGate } = deployment;
  if (!config.upstreams.some((upstream) => upstream.registry === registry))
    throw new HttpError(404, 'not_configured', `no upstream is configured for ${registry}`);
  const now = new Date();
  const [pending, dryRun, isDryRunPending, closedUntil] = await Promise.all([
    pendingOf(scope, reconcileStore, now.toISOString()),
    dryRunStore.read(scope),
    dryRunStore.isAsked(scope),
    upstreamGate.closedUntil(scope.registry, now),
  ]);
  const state: ReconcileState = {
    ...scope,
    ...pending,
    ...(closedUntil && { closedUntil: closedUntil.toISOString() }),
    isDryRunPending,
    ...(dryRun && { dryRun }),
  };
  return json(200, state);
}

async function pendingOf(
  { registry, repository }: Scope,
  store: Call['deployment']['reconcileStore'],
  now: string,
): Promise<Pick<ReconcileState, 'isPending' | 'due' | 'round'>> {
  if (repository === undefined) {
    const { search, due } = await store.summary(registry, now);
    return { isPending: due > 0 || isSearchAwaited(search, now), due };
  }
  const round = await store.read({ registry, repository });
  return round === undefined
    ? { isPending: false }
    : { isPending: isDue(round, now), round: presentRound(round) };
}

function presentRound({ begunAt, finishedAt, dueAt, found, failures, error }: Round): PresentedRound {
  return {
    ...(begunAt !== undefined && { begunAt }),
    ...(finishedAt !== undefined && { finishedAt }),
    dueAt,
    ...(found && { found }),
    ...(failures !== undefined && { failures }),
    ...(error && { error }),
  };
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
