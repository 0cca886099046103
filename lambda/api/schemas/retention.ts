import * as z from 'zod';
import type { RetentionPass } from '../retention.ts';
import { count, digest, exactly, exampleDigest, exampleJob, time } from './fields.ts';

const dollarsPerMonth = z
  .number()
  .min(0)
  .describe('What these bytes cost at most, US dollars a month, at the list price of most regions.');
const bytes = count.describe('At most so many: layers that other images share stay.');

const repository = z.object({
  repository: z.string().describe('The upstream repository: `registry/repository`.'),
  mirrorRepository: z.string(),
  count: count.describe('Images that were, or would be, deleted.'),
  bytes,
  dollarsPerMonth,
  images: z
    .array(z.object({ digest, tags: z.array(z.string()), pushedAt: time.exactOptional() }))
    .describe('The first 200 of them, the oldest first, each with at most five of its tags.'),
  kept: z
    .partialRecord(
      z.enum(['mapped', 'history', 'recent', 'tag', 'newest', 'new', 'unreadable', 'needed']),
      count,
    )
    .describe('How many images stay, by reason.'),
  failed: z
    .object({ count, digest, code: z.string(), reason: z.string() })
    .exactOptional()
    .describe('Images that could not be deleted, with the first one’s reason.'),
  error: z
    .object({ code: z.string(), message: z.string() })
    .exactOptional()
    .describe('Why nothing, or not everything, could be done.'),
});

/** A pass of retention. */
export const retentionPass = exactly<RetentionPass>()(
  z
    .object({
      id: z.string(),
      dryRun: z.boolean().describe('Whether it only reports what would be deleted.'),
      askedAt: time,
      finishedAt: time.exactOptional().describe('Absent: it is not finished.'),
      totals: z.object({ repositories: count, images: count, bytes, failed: count, dollarsPerMonth }),
      repositories: z.array(repository).describe('In the order of their names.'),
      after: z.string().exactOptional().describe('There are more: ask again with this `after`.'),
    })
    .meta({
      id: 'RetentionPass',
      description: 'What a pass of retention did, or would do.',
      examples: [
        {
          id: exampleJob,
          dryRun: true,
          askedAt: '2026-11-30T09:00:00.000Z',
          finishedAt: '2026-11-30T09:00:31.000Z',
          totals: { repositories: 1, images: 1, bytes: 31_457_280, failed: 0, dollarsPerMonth: 0 },
          repositories: [
            {
              repository: 'ghcr.io/acme/shop',
              mirrorRepository: 'mirror/ghcr.io/acme/shop',
              count: 1,
              bytes: 31_457_280,
              dollarsPerMonth: 0,
              images: [{ digest: exampleDigest, tags: ['0.9'], pushedAt: '2026-06-30T09:00:00.000Z' }],
              kept: { mapped: 12, history: 3 },
            },
          ],
        },
      ],
    }),
);
