import * as z from 'zod';
import type { Status } from '../status.ts';
import { count, exactly, time } from './fields.ts';
import { job } from './job.ts';

/** How the deployment is doing. */
export const status = exactly<Status>()(
  z
    .object({
      version: z.string(),
      caller: z.enum(['reader', 'operator']).describe('Whose token the request had: readers can’t write.'),
      regions: z.array(z.string()),
      registries: z
        .record(z.string(), z.string())
        .describe('The address of each region’s mirror registry, once something was mirrored there.'),
      jobs: z.object({
        queued: count,
        waiting: count,
        planned: count.describe('How many of the waiting ones have not begun: looks planned for later.'),
        copying: count,
        failed: z.object({ count, since: time }).describe('Jobs received since then that have failed.'),
        complete: z.boolean().describe('False in a flood: there are more jobs than are counted.'),
        oldestWaiting: job
          .exactOptional()
          .describe('Of those that have been tried and wait, the one that was received first.'),
      }),
      upstreams: z.array(
        z.object({
          registry: z.string(),
          closedUntil: time
            .exactOptional()
            .describe('Its rate limit is reached, or it is down: it is not asked before.'),
          down: z
            .object({ since: time, reason: z.string() })
            .exactOptional()
            .describe('It does not answer: since when, and what the latest failure says.'),
          webhooks: z.array(
            z.object({
              name: z.string(),
              source: z.string(),
              deliveredAt: time.exactOptional(),
              acceptedAt: time.exactOptional(),
              refusedAt: time.exactOptional(),
              refusedFor: z.string().exactOptional(),
            }),
          ),
          lag: z
            .object({
              medianMs: count,
              maxMs: count,
              jobs: count.describe('How many jobs this comes from.'),
              since: time.describe('Jobs that ended since then: today and yesterday, in UTC.'),
            })
            .exactOptional()
            .describe(
              'From a webhook to the published mapping, milliseconds, within a tenth, of jobs that published an image; absent: there are none.',
            ),
          reconcile: z
            .object({
              repositories: count
                .exactOptional()
                .describe('How many its rules cover; absent: they have not been searched for yet.'),
              isSearchDue: z.boolean().describe('A search for them is due.'),
              due: count.describe('Comparisons that are due or under way.'),
              nextDueAt: time.exactOptional(),
              finishedAt: time.exactOptional().describe('When a comparison was finished last.'),
              failing: z
                .array(
                  z.object({
                    repository: z.string(),
                    error: z.object({ code: z.string(), message: z.string() }),
                    failures: count.describe('How many attempts in a row have failed.'),
                    dueAt: time.describe('When it is tried again.'),
                  }),
                )
                .describe('Repositories whose latest comparison failed, at most 20.'),
              unlisted: z
                .object({
                  code: z.string(),
                  message: z.string(),
                  temporary: z
                    .literal(true)
                    .exactOptional()
                    .describe('It failed, and is tried again. Absent: the upstream offers no list.'),
                })
                .exactOptional()
                .describe('Why the upstream’s list of repositories is missing or incomplete.'),
              complete: z
                .boolean()
                .describe('False: there are more that are due, or that fail, than are counted.'),
            })
            .describe('How its repositories are compared with the mirror.'),
        }),
      ),
    })
    .meta({ id: 'Status', description: 'How the deployment is doing.' }),
);
