import * as z from 'zod';
import type { Savings } from '../savings.ts';
import { amount, count, exactly } from './fields.ts';

/** What was mirrored, day by day. */
export const savings = exactly<Savings>()(
  z
    .object({
      days: z
        .array(
          z.object({
            day: z
              .string()
              .regex(/^\d{4}-\d\d-\d\d$/)
              .describe('In UTC.'),
            images: count.describe('How many images were mirrored, each as often as a tag moved to it.'),
            copied: amount.describe('Transferred from upstream.'),
            mounted: amount.describe('Made available from another repository of the mirror instead.'),
            present: amount.describe('In the mirror’s repository already.'),
          }),
        )
        .describe('Every day that was asked for, the oldest first; the last one is today.'),
    })
    .meta({
      id: 'Savings',
      description: 'What was mirrored each day, and how much of it was not transferred.',
      examples: [
        {
          days: [
            {
              day: '2026-11-30',
              images: 12,
              copied: { blobs: 30, bytes: 412_000_000 },
              mounted: { blobs: 14, bytes: 230_000_000 },
              present: { blobs: 51, bytes: 1_900_000_000 },
            },
          ],
        },
      ],
    }),
);
