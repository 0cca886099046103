import * as z from 'zod';
import { shown } from '../../../core/config/fields.ts';
import { jobStates } from '../../../core/jobs/record.ts';
import { redrivableStates } from '../../../core/jobs/recovery/redrive.ts';
import { isDigest } from '../../../core/oci/digest.ts';
import { exampleDigest, exampleImage, exampleJob } from './fields.ts';

/** Completes the message of a field: what belongs there, and what was found. */
const must = (be: string) => ({
  error: ({ input }: { input?: unknown }) =>
    input === undefined ? `is missing: it must be ${be}` : `must be ${be}, not ${shown(input)}`,
});

const reference = z.string(must(`an image reference, such as ${exampleImage}`));

/** An image reference in any spelling; what is none is a 400 `invalid_reference`. */
export const image = reference.meta({
  description: 'An image reference in any spelling: `nginx` is `docker.io/library/nginx:latest`.',
  example: exampleImage,
});

const tagged = reference.meta({
  description: 'An image reference with a tag and no digest; without a tag, it is `latest`.',
  example: exampleImage,
});

/** At most so many image references. */
const images = (most: number) =>
  z
    .array(image, must(`a list of image references, such as ["${exampleImage}"]`))
    .max(most, {
      error: ({ input }) =>
        `has ${(input as unknown[]).length} entries; at most ${most} are accepted at once: send several requests`,
    })
    .meta({ description: `At most ${most}.`, example: [exampleImage] });

const region = z
  .string(must('the name of a region, such as eu-west-1'))
  .regex(/^[a-z0-9-]{1,64}$/, must('the name of a region, such as eu-west-1'))
  .meta({
    description: 'The region whose mirror is meant; by default, the mapping’s own.',
    example: 'eu-west-1',
  });

const name = (what: string, example: string) =>
  z
    .string()
    .refine((text) => text !== '' && Buffer.byteLength(text) <= 255, must('a name of 1 to 255 bytes'))
    .meta({ description: `Only those of this ${what}.`, minLength: 1, maxLength: 255, example });

/** A whole number in decimal digits, as text. */
function wholeNumber(most: number, usual: number, description: string) {
  const be = `a whole number from 1 to ${most}`;
  return z
    .preprocess(
      (text) => (typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : text),
      z.int(must(be)).min(1, must(be)).max(most, must(be)),
    )
    .default(usual)
    .meta({ description, example: usual });
}

const limit = (most: number, usual: number) =>
  wholeNumber(most, usual, 'The most entries of a page; a page may have fewer.');

const cursor = z.string().meta({
  description: 'The `cursor` of the page before. No other text is accepted.',
  example: 'WyJnaGNyLmlvL2FjbWUvc2hvcCIsIjEuMCJd',
});

/** How many references one request resolves at most. */
export const mostResolved = 1_000;
/** How many images one request queues at most. */
export const mostMirrored = 100;
/** The longest time for which the secret before the current one is accepted, seconds. */
export const mostKeepSeconds = 7 * 24 * 3600;

const filters = {
  registry: name('registry', 'ghcr.io').optional(),
  repository: name('repository', 'acme/shop').optional(),
  region: region.optional(),
};

/** Which mappings an export has. */
export const exportQuery = z.object(filters);

/** With `image`, one mapping; otherwise a list. */
export const mappingsQuery = z.object({
  image: image.optional(),
  ...filters,
  limit: limit(1_000, 100),
  cursor: cursor.optional(),
});

export const historyQuery = z.object({ image: tagged });

export const jobsQuery = z.object({
  state: z
    .string()
    .transform((text) => (text === '' ? [] : text.split(',')))
    .pipe(
      z.array(
        z.enum(jobStates, must(`one of ${jobStates.join(', ')}, or several of them with commas between`)),
      ),
    )
    .meta({
      description: 'Only jobs in this state, or in one of several: with commas between them.',
      pattern: `^(|(${jobStates.join('|')})(,(${jobStates.join('|')}))*)$`,
      example: 'failed,waiting',
    })
    .optional(),
  image: image.optional(),
  limit: limit(500, 50),
  cursor: cursor.meta({ example: exampleJob }).optional(),
});

export const resolveBody = z.strictObject({ images: images(mostResolved), region: region.optional() });

export const mirrorsBody = z.strictObject({ images: images(mostMirrored) });

const moment = (what: string) =>
  z.iso
    .datetime({ offset: true, ...must('a time such as 2026-11-30T09:00:00Z') })
    .meta({ description: `Only jobs that were received ${what}.`, example: '2026-11-30T09:00:00Z' })
    .optional();

export const redriveBody = z.strictObject({
  state: z
    .enum(redrivableStates, must(`one of ${redrivableStates.join(', ')}`))
    .meta({ description: 'Jobs in this state.', example: 'failed' }),
  image: image.optional(),
  since: moment('at this time or later'),
  until: moment('at this time or earlier'),
  cursor: cursor.meta({ example: exampleJob }).optional(),
});

export const reconcileBody = z.strictObject({
  repository: z
    .string(must('a repository, such as ghcr.io/acme/shop'))
    .meta({
      description:
        'A repository that a rule of mirror.yaml covers, in any spelling: `nginx` is `docker.io/library/nginx`. Absent: all of them.',
      example: 'ghcr.io/acme/shop',
    })
    .optional(),
  dryRun: z
    .boolean(must('true or false'))
    .meta({ description: 'Only report what would be done: `GET /v1/reconcile` returns it.', example: true })
    .optional(),
});

export const reconcileQuery = z.object({
  registry: name('registry', 'ghcr.io').meta({ description: 'An upstream of mirror.yaml.' }),
  repository: name('repository', 'acme/shop')
    .meta({ description: 'One of its repositories; absent: all that its rules cover.' })
    .optional(),
});

export const retentionBody = reconcileBody.extend({
  repository: reconcileBody.shape.repository
    .unwrap()
    .meta({
      description: 'A repository whose rule has `retention`. Absent: all of them.',
      example: 'ghcr.io/acme/shop',
    })
    .optional(),
  dryRun: z
    .boolean(must('true or false'))
    .default(true)
    .meta({ description: 'Only report what would be deleted.', example: true }),
});

export const savingsQuery = z.object({
  days: wholeNumber(365, 30, 'How many days, today included.'),
});

/** Where a list of reports continues. */
export const retentionQuery = z.object({
  after: z
    .string(must('a repository of an earlier answer'))
    .max(512, must('a repository of an earlier answer'))
    .meta({ description: 'From an earlier answer.', example: 'ghcr.io/acme/shop' })
    .default(''),
});

export const tagBody = z.strictObject({ image: tagged });

export const rollbackBody = z.strictObject({
  image: tagged,
  digest: z
    .string(must(`a digest of the tag’s history, such as ${exampleDigest}`))
    .refine(isDigest, must('sha256: and 64, or sha512: and 128, hexadecimal digits in lower case'))
    .meta({
      description: 'A digest of the tag’s history.',
      pattern: '^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$',
      example: exampleDigest,
    }),
});

const keep = `a whole number of seconds from 0 to ${mostKeepSeconds} (how long the previous secret is accepted)`;
export const rotateBody = z.strictObject({
  keepSeconds: z
    .int(must(keep))
    .min(0, must(keep))
    .max(mostKeepSeconds, must(keep))
    .default(24 * 3600)
    .meta({ description: 'For how many seconds the previous secret is accepted.', example: 3_600 }),
});
