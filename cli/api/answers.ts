import * as z from 'zod';
import type { presentJob } from '../../core/jobs/record.ts';
import type { History } from '../../core/mapping/history.ts';
import type { Resolved } from '../../core/mapping/lookup.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import type { Requested } from '../../core/reconcile/request.ts';
import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import type { AdmissionAddress } from '../../lambda/api/admission.ts';
import type { ReconcileState } from '../../lambda/api/reconcile.ts';
import type { Redriven } from '../../lambda/api/redrive.ts';
import type { RetentionPass } from '../../lambda/api/retention.ts';
import type { Savings } from '../../lambda/api/savings.ts';
import type { Status } from '../../lambda/api/status.ts';

/** A job as the API returns it. */
export type Job = ReturnType<typeof presentJob>;

/**
 * Checks only that a value is an object and has the fields that the code here relies on: the API
 * has our own version or a newer one.
 */
function having<T>(shape: z.ZodRawShape): z.ZodType<T> {
  return z.looseObject(shape) as unknown as z.ZodType<T>;
}

export const webhook = having<PresentedWebhook>({
  name: z.string(),
  registry: z.string(),
  source: z.string(),
  title: z.string(),
  url: z.url(),
  secret: z.string().optional(),
  authentication: z.looseObject({ kind: z.string(), header: z.string().optional(), description: z.string() }),
  where: z.string(),
  steps: z.array(z.string()),
  repositories: z.array(z.string()),
  deletions: z.literal(true).optional(),
  options: z.record(z.string(), z.unknown()),
});
export const webhooks = z.object({ webhooks: z.array(webhook) });

export const job = having<Job>({ id: z.string(), image: z.string(), state: z.string() });
export const jobs = having<{ jobs: Job[]; cursor?: string }>({
  jobs: z.array(job),
  cursor: z.string().optional(),
});

export const redriven = having<Redriven>({
  jobs: z.array(job),
  skipped: z.array(z.looseObject({ id: z.string(), image: z.string(), reason: z.string() })),
  cursor: z.string().optional(),
});

export const reconcile = having<{ requested: Requested[] }>({
  requested: z.array(z.looseObject({ registry: z.string(), repository: z.string().optional() })),
});

export const reconcileState = having<ReconcileState>({
  registry: z.string(),
  isPending: z.boolean(),
  isDryRunPending: z.boolean(),
});

export const retention = having<RetentionPass>({
  id: z.string(),
  finishedAt: z.string().optional(),
  totals: z.looseObject({ images: z.number(), bytes: z.number(), failed: z.number() }),
  repositories: z.array(
    z.looseObject({
      repository: z.string(),
      count: z.number(),
      bytes: z.number(),
      images: z.array(z.looseObject({ digest: z.string(), tags: z.array(z.string()) })),
    }),
  ),
  after: z.string().optional(),
});

export const mapping = having<Mapping>({
  image: z.string(),
  sourceDigest: z.string(),
  mediaType: z.string(),
});
/** A mapping with what is needed to use its image. */
export const usableMapping = having<Mapping>({
  image: z.string(),
  mirror: z.string(),
  digest: z.string(),
  pinned: z.string(),
});
export const mappings = having<{ mappings: Mapping[]; cursor?: string }>({
  mappings: z.array(mapping),
  cursor: z.string().optional(),
});
export const resolved = having<Resolved>({
  mappings: z.record(z.string(), usableMapping),
  missing: z.array(z.string()),
  invalid: z.array(z.looseObject({ image: z.string(), message: z.string() })),
});

export const history = having<History>({
  image: z.string(),
  history: z.array(
    z.looseObject({
      digest: z.string(),
      pin: z.boolean(),
      mirroredAt: z.string(),
      replacedAt: z.string().optional(),
      current: z.boolean(),
      removed: z.looseObject({ reason: z.string(), at: z.string() }).optional(),
    }),
  ),
});

export const status = having<Status>({
  version: z.string(),
  regions: z.array(z.string()),
  registries: z.record(z.string(), z.string()),
  jobs: z.looseObject({ queued: z.number(), waiting: z.number(), planned: z.number(), copying: z.number() }),
  upstreams: z.array(z.looseObject({ registry: z.string() })),
});

const amount = z.looseObject({ blobs: z.number(), bytes: z.number() });
export const savings = having<Savings>({
  days: z.array(
    z.looseObject({
      day: z.string(),
      images: z.number(),
      copied: amount,
      mounted: amount,
      present: amount,
    }),
  ),
});

export const admission = having<AdmissionAddress>({ url: z.string() });
