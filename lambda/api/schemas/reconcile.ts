import * as z from 'zod';
import type { ReconcileRequested, ReconcileState } from '../reconcile.ts';
import { count, exactly, time } from './fields.ts';

export const reconcileRequested = exactly<ReconcileRequested>()(
  z
    .object({
      requested: z.array(
        z.object({
          registry: z.string(),
          repository: z.string().exactOptional().describe('Absent: all that the registry’s rules cover.'),
        }),
      ),
    })
    .meta({
      id: 'ReconcileRequested',
      description: 'What will be compared with the mirror.',
      examples: [{ requested: [{ registry: 'ghcr.io', repository: 'acme/shop' }] }],
    }),
);

const problem = { code: z.string(), message: z.string() };

const found = z.object({
  tags: count.describe('Tags that the upstream lists.'),
  selected: count.describe('Tags that the rule selects.'),
  queued: count.describe('Jobs that were queued.'),
  unmapped: count.describe('Mappings that were removed, since the upstream no longer has the tag.'),
});

const place = { repository: z.string(), tag: z.string() };

const wouldDo = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('queue'),
    ...place,
    why: z
      .enum(['missing', 'moved', 'strayed', 'rule', 'untold'])
      .describe(
        'It is not mapped; it points to another digest; the mirror’s tag does; it was mirrored by another rule; the upstream does not tell its digest.',
      ),
  }),
  z.object({ action: z.literal('unmap'), ...place, why: z.literal('deleted_upstream') }),
  z.object({ action: z.literal('mend'), ...place, why: z.enum(['deleted', 'archived', 'untagged']) }),
  z.object({
    action: z.literal('set'),
    repository: z.string(),
    why: z.enum(['scanOnPush', 'immutableTags', 'pulls', 'lifecycle', 'tags']),
  }),
]);

const dryRun = z
  .object({
    registry: z.string(),
    repository: z.string().exactOptional(),
    begunAt: time,
    finishedAt: time.exactOptional().describe('Absent: it is under way.'),
    repositories: count.describe('How many there are to compare.'),
    compared: count,
    counts: z.object({ queue: count, unmap: count, mend: count, set: count }),
    wouldDo: z.array(wouldDo).describe('What would be done, the first 500.'),
    failed: z
      .array(z.object({ repository: z.string(), ...problem }))
      .describe('Repositories that could not be compared, the first 50; an empty name: their list.'),
    error: z.object(problem).exactOptional().describe('Why not everything was compared.'),
  })
  .meta({ id: 'DryRun', description: 'A comparison that changes nothing.' });

/** What the latest comparison did, and what the latest dry run found. */
export const reconcileState = exactly<ReconcileState>()(
  z
    .object({
      registry: z.string(),
      repository: z.string().exactOptional(),
      isPending: z.boolean().describe('A comparison is due or under way.'),
      due: count
        .exactOptional()
        .describe('Of an upstream: how many are due or under way; not all if there are very many.'),
      closedUntil: time
        .exactOptional()
        .describe('The upstream’s rate limit is reached, or it is down: it is not asked before.'),
      round: z
        .object({
          begunAt: time.exactOptional(),
          finishedAt: time.exactOptional(),
          dueAt: time.describe('When the next one is due; in the year 9999: when somebody asks.'),
          found: found.exactOptional(),
          failures: count.exactOptional().describe('How many attempts in a row have failed.'),
          error: z.object(problem).exactOptional(),
        })
        .exactOptional()
        .describe('The latest comparison of the repository.'),
      isDryRunPending: z.boolean().describe('A dry run is asked for, or under way.'),
      dryRun: dryRun.exactOptional(),
    })
    .meta({ id: 'ReconcileState', description: 'The latest comparison, and the latest dry run.' }),
);
