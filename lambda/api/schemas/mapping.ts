import * as z from 'zod';
import type { History } from '../../../core/mapping/history.ts';
import type { Resolved } from '../../../core/mapping/lookup.ts';
import type { Mapping } from '../../../core/mapping/record.ts';
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
  verified,
} from './fields.ts';

const host = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const repository = `${host}/mirror/ghcr.io/acme/shop`;

const content = {
  digest: digest.describe('What the mirror holds.'),
  pinned: z.string().describe('The mirror reference by digest: the one to roll out.'),
  sourceDigest: digest.describe(
    'What the upstream’s reference pointed to. It differs from `digest` only if a platform filter made a new index.',
  ),
  mediaType: z.string(),
  platforms: z.array(z.string()).describe('`os/architecture[/variant]`, at most 64.'),
  sizeBytes: count.describe('All blobs and manifests, each once.'),
  pin: z.boolean().describe('Whether new pushes leave the tag where it is.'),
  observedAt: time.describe('When a look last saw the upstream like this.'),
  mirroredAt: time.describe('When the mirror got this digest.'),
  revision: z.int().min(1).describe('Grows with each publication of the tag.'),
  job: z.string().describe('The job that published it.'),
  verified: verified.exactOptional().describe('Absent if its rule required no signature then.'),
};

const exampleContent = {
  digest: exampleDigest,
  pinned: `${repository}@${exampleDigest}`,
  sourceDigest: exampleDigest,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  platforms: ['linux/amd64', 'linux/arm64/v8'],
  sizeBytes: 5_100_995,
  pin: false,
  observedAt: '2026-11-30T10:00:00.000Z',
  mirroredAt: '2026-11-30T10:00:00.000Z',
  revision: 7,
  job: exampleJob,
};

/** Where an image is. */
export const mapping = exactly<Mapping>()(
  z
    .object({
      image: z.string().describe('The upstream’s reference, normalised.'),
      mirror: z.string().describe('The mirror reference: by tag, or by digest for a reference by digest.'),
      ...content,
      regions: z
        .record(z.string(), z.object({ mirror: z.string(), digest }))
        .describe('The same for each region, which may lag.'),
      referrers: referrers.exactOptional(),
      foreign: amount
        .exactOptional()
        .describe('Layers that the upstream does not serve itself: not in the mirror.'),
    })
    .meta({
      id: 'Mapping',
      description: 'An image of an upstream, and where the mirror has it.',
      examples: [
        {
          image: exampleImage,
          mirror: `${repository}:1.0`,
          ...exampleContent,
          regions: { 'eu-west-1': { mirror: `${repository}:1.0`, digest: exampleDigest } },
        },
      ],
    }),
);

/** The `cursor` of a list's answer. */
export const nextCursor = z.string().exactOptional().describe('For the next page; absent on the last one.');

export const mappingList = z
  .object({ mappings: z.array(mapping), cursor: nextCursor })
  .meta({ id: 'MappingList' });

export const resolved = exactly<Resolved>()(
  z
    .object({
      mappings: z.record(z.string(), mapping).describe('By the references as they were sent.'),
      missing: z.array(z.string()).describe('References that are not mirrored (yet).'),
      invalid: z
        .array(z.object({ image: z.string(), message: z.string() }))
        .describe('What is not an image reference, and why.'),
    })
    .meta({
      id: 'Resolved',
      description: 'Every reference that was sent is in exactly one of the three.',
      examples: [
        {
          mappings: {},
          missing: [exampleImage],
          invalid: [
            {
              image: 'UPPER/Case:1',
              message:
                'invalid image reference "UPPER/Case:1": the repository "Case" must be lower case; did you mean "case"?',
            },
          ],
        },
      ],
    }),
);

export const history = exactly<History>()(
  z
    .object({
      image: z.string(),
      history: z
        .array(
          z.object({
            ...content,
            current: z.boolean().describe('Whether the tag points to it now.'),
            replacedAt: time
              .exactOptional()
              .describe('When another digest took its place, or it was removed.'),
            removed: z
              .object({
                reason: z.enum(['deleted', 'untagged', 'archived', 'deleted_upstream']),
                at: time,
              })
              .exactOptional()
              .describe(
                'What the mirror lost it by; `deleted_upstream`: the upstream no longer has the tag (`deleted: unmap`).',
              ),
          }),
        )
        .describe('The latest first; kept for `mirror.history` after they were replaced.'),
    })
    .meta({
      id: 'History',
      description: 'Which digests a tag was mapped to.',
      examples: [
        {
          image: exampleImage,
          history: [{ ...exampleContent, current: true }],
        },
      ],
    }),
);

/** The exports `json` and `kyverno-data`. */
export const exported = z.union([
  z
    .object({ version: z.literal(1), mappings: z.array(mapping) })
    .meta({ id: 'Export', description: 'The whole mapping, or the part that the filters let pass.' }),
  z
    .object({
      version: z.literal(1),
      repositories: z
        .record(z.string(), z.string())
        .describe(
          '`<mirror’s repository>,<tag>=<digest>,…` of each upstream repository, the newest tag first.',
        ),
    })
    .meta({ id: 'ExportByRepository', description: 'The digests of each repository’s tags, for Kyverno.' }),
]);
