import { presentJob } from '../../core/jobs/record.ts';
import { isDown } from '../../core/jobs/recovery/outage.ts';
import { latestDays } from '../../core/jobs/savings/counts.ts';
import { type Lag, lagOf } from '../../core/jobs/savings/lag.ts';
import type { RegistryHosts } from '../../core/mapping/record.ts';
import {
  type FailingRound,
  isSearchAwaited,
  type RoundError,
  type RoundsSummary,
} from '../../core/reconcile/round.ts';
import { drayageVersion } from '../../core/registry/transport/version.ts';
import type { WebhookArrivals } from '../../core/webhooks/secrets/state.ts';
import { type HttpResponse, json } from '../shared/http.ts';
import type { Call } from './call.ts';

/** What `GET /v1/status` returns. Times are ISO 8601. */
export interface Status {
  version: string;
  /** Whose token the request had: what its sender may do. */
  caller: 'reader' | 'operator';
  regions: string[];
  /** The address of each region's mirror registry, once something was mirrored there. */
  registries: RegistryHosts;
  jobs: {
    queued: number;
    waiting: number;
    /** How many of the waiting ones have not begun: looks that were planned for later. */
    planned: number;
    copying: number;
    /** Jobs received since then that have failed. */
    failed: { count: number; since: string };
    /** False in a flood: there are more jobs than are counted. */
    complete: boolean;
    /** Of those that have been tried and wait, the one that was received first. */
    oldestWaiting?: ReturnType<typeof presentJob>;
  };
  upstreams: UpstreamStatus[];
}

/** An upstream of the configuration. */
export interface UpstreamStatus {
  registry: string;
  /** Its rate limit is reached, or it is down: nothing is asked of it before. */
  closedUntil?: string;
  /** It does not answer: since when, and what the latest failure says. */
  down?: { since: string; reason: string };
  webhooks: ({ name: string; source: string } & WebhookArrivals)[];
  /**
   * From a webhook to the published mapping, of the jobs that have published an image since a time;
   * absent: there are none.
   */
  lag?: Lag & { since: string };
  /** How it is compared with the mirror. */
  reconcile: ReconcileStatus;
}

/** How the repositories of an upstream are compared with the mirror. */
export interface ReconcileStatus {
  /** How many are covered by its rules; absent: they have not been searched for yet. */
  repositories?: number;
  /** Whether a search for them is due. */
  isSearchDue: boolean;
  /** Comparisons that are due or under way. */
  due: number;
  /** When the next one is due. */
  nextDueAt?: string;
  /** When one was finished last. */
  finishedAt?: string;
  /** Repositories whose latest comparison failed, the first of them. */
  failing: FailingRound[];
  /**
   * Why the upstream's list of repositories is missing or incomplete. `temporary`: it failed, and
   * is tried again; otherwise, the upstream offers none.
   */
  unlisted?: RoundError & { temporary?: true };
  /** False: there are more that are due, or that fail, than are counted. */
  complete: boolean;
}

/** Failed jobs are counted this far back. */
const failuresWithinMs = 24 * 3600 * 1_000;
/** Lags are those of today and yesterday, in UTC: what is counted is counted by day. */
const lagDays = 2;

/**
 * `GET /v1/status`: how the deployment is doing, with a number of reads that does not depend on how
 * much is mirrored.
 */
export async function getStatus({ caller, deployment }: Call): Promise<HttpResponse> {
  const { config, jobs, mappings, webhookStates } = deployment;
  const now = new Date();
  const [since = '', today = ''] = latestDays(lagDays, now);
  const [summary, registries, states, dayCounts, upstreams] = await Promise.all([
    jobs.summary(new Date(now.getTime() - failuresWithinMs)),
    mappings.registryHosts(),
    webhookStates.list(),
    deployment.dayCounts.read(since, today),
    Promise.all(
      config.upstreams.map(async (upstream) => ({
        upstream,
        closedUntil: await deployment.upstreamGate.closedUntil(upstream.registry, now),
        outage: await deployment.upstreamGate.outage(upstream.registry),
        rounds: await deployment.reconcileStore.summary(upstream.registry, now.toISOString()),
      })),
    ),
  ]);
  const { queued, waiting, planned, copying, failed, isComplete, oldestWaiting } = summary;
  const lagFrom = (registry: string) => {
    const lag = lagOf(dayCounts.filter((each) => each.registry === registry));
    return lag && { lag: { ...lag, since: `${since}T00:00:00.000Z` } };
  };
  const status: Status = {
    version: drayageVersion,
    caller: caller === 'operator' ? 'operator' : 'reader',
    regions: config.mirror.regions,
    registries,
    jobs: {
      queued,
      waiting,
      planned,
      copying,
      failed: { count: failed, since: summary.since.toISOString() },
      complete: isComplete,
      ...(oldestWaiting && { oldestWaiting: presentJob(oldestWaiting) }),
    },
    upstreams: upstreams.map(({ upstream: { registry, webhooks }, closedUntil, outage, rounds }) => ({
      registry,
      ...(closedUntil && { closedUntil: closedUntil.toISOString() }),
      ...(outage &&
        isDown(outage, now) && { down: { since: outage.since.toISOString(), reason: outage.reason } }),
      webhooks: webhooks.map(({ name, source }) => {
        const { deliveredAt, acceptedAt, refusedAt, refusedFor } = states.get(name) ?? {};
        return { name, source, ...present({ deliveredAt, acceptedAt, refusedAt, refusedFor }) };
      }),
      ...lagFrom(registry),
      reconcile: reconcileStatus(rounds, now.toISOString()),
    })),
  };
  return json(200, status);
}

/** Without what is undefined. */
function present(arrivals: Record<keyof WebhookArrivals, string | undefined>): WebhookArrivals {
  return Object.fromEntries(Object.entries(arrivals).filter(([, time]) => time !== undefined));
}

function reconcileStatus(rounds: RoundsSummary, now: string): ReconcileStatus {
  const { search, due, nextDueAt, finishedAt, failing, isComplete } = rounds;
  return {
    ...(search?.repositories !== undefined && { repositories: search.repositories }),
    isSearchDue: isSearchAwaited(search, now),
    due,
    ...(nextDueAt !== undefined && { nextDueAt }),
    ...(finishedAt !== undefined && { finishedAt }),
    failing,
    ...(search?.error && {
      unlisted: { ...search.error, ...(search.failures && { temporary: true as const }) },
    }),
    complete: isComplete,
  };
}
