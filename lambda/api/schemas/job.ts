import * as z from 'zod';
import { jobStates, jobTriggers, type presentJob, reasonCodes } from '../../../core/jobs/record.ts';
import type { Redriven } from '../redrive.ts';
import {
  amount,
  count,
  digest,
  exactly,
  exampleDigest,
  exampleImage,
  exampleJob,
  referrers,
  time,
} from './fields.ts';
import { nextCursor } from './mapping.ts';

/** A job, as {@link presentJob} shows it. */
export const job = exactly<ReturnType<typeof presentJob>>()(
  z
    .object({
      id: z.string().describe('Sortable by time.'),
      image: z.string(),
      state: z
        .enum(jobStates)
        .describe(
          '`committed`, `satisfied`, `superseded` and `failed` are final; `waiting` has `notBefore`.',
        ),
      trigger: z.enum(jobTriggers).describe('What asked for it.'),
      change: z
        .discriminatedUnion('kind', [
          z.object({ kind: z.literal('rollback'), digest }),
          z.object({ kind: z.literal('pin') }),
          z.object({ kind: z.literal('unpin') }),
        ])
        .exactOptional()
        .describe('What it does to the tag, if an operator asked for that.'),
      receivedAt: time,
      startedAt: time.exactOptional(),
      finishedAt: time.exactOptional(),
      notBefore: time.exactOptional().describe('When a waiting job goes on.'),
      attempts: count,
      digest: digest.exactOptional().describe('What it found.'),
      lagMs: z.number().exactOptional().describe('From the event to the published mapping, milliseconds.'),
      progress: z
        .object({ blobs: z.int(), totalBlobs: count, bytes: z.int(), totalBytes: count })
        .exactOptional(),
      transfer: z
        .object({ copied: amount, mounted: amount, present: amount })
        .exactOptional()
        .describe('What the copy did with the blobs, each counted once.'),
      foreign: amount.exactOptional(),
      referrers: referrers.exactOptional(),
      error: z
        .object({
          code: z.string(),
          side: z.enum(['upstream', 'mirror', 'drayage']),
          message: z.string(),
          remedy: z.string(),
        })
        .exactOptional(),
      reason: z
        .object({ code: z.enum(reasonCodes), message: z.string() })
        .exactOptional()
        .describe('Why its image is not mirrored although nothing failed.'),
    })
    .meta({
      id: 'Job',
      description: 'One run for one image. Kept for 30 days.',
      examples: [
        {
          id: exampleJob,
          image: exampleImage,
          state: 'committed',
          trigger: 'webhook',
          receivedAt: '2026-11-30T09:59:58.000Z',
          startedAt: '2026-11-30T09:59:58.200Z',
          finishedAt: '2026-11-30T10:00:00.000Z',
          attempts: 1,
          digest: exampleDigest,
          lagMs: 2_000,
        },
      ],
    }),
);

export const jobList = z.object({ jobs: z.array(job), cursor: nextCursor }).meta({ id: 'JobList' });

export const redrivenJobs = exactly<Redriven>()(
  z
    .object({
      jobs: z.array(job).describe('New jobs for those that had failed, and the others themselves.'),
      skipped: z
        .array(z.object({ id: z.string(), image: z.string(), reason: z.string() }))
        .describe('Jobs that there is no use in trying again. A reason is `code: explanation`.'),
      cursor: z.string().exactOptional().describe('There may be more: send the request again with it.'),
    })
    .meta({ id: 'RedrivenJobs', description: 'What came of a page of jobs.' }),
);

export const queuedJobs = z
  .object({ jobs: z.array(job) })
  .meta({ id: 'QueuedJobs', description: 'The jobs that the request made.' });
