import * as z from 'zod';
import type { NotifyEvent } from '../config/config.ts';

/** The `source` of all our events on an event bus. */
export const busSource = 'drayage';

const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC.' });
const digest = z.string().meta({ description: '`sha256:` and 64 hex digits.' });
const image = z
  .string()
  .meta({ description: 'The upstream reference: `registry/repository:tag`, or `@digest`.' });
const amount = z.object({ blobs: z.int(), bytes: z.int() });

const verified = z.object({
  digest,
  at: time,
  signatures: z.array(
    z.object({
      kind: z.enum(['signature', 'attestation']),
      by: z.string(),
      manifest: digest,
      predicateType: z.string().optional(),
      signedAt: time.optional(),
    }),
  ),
});

/** A mapping as the API shows it (`presentMapping`). */
const mapping = z
  .object({
    image,
    mirror: z.string().meta({ description: 'Where the mirror has it: `registry/repository:tag`.' }),
    digest,
    pinned: z.string().meta({ description: 'The same place by digest: `registry/repository@digest`.' }),
    sourceDigest: digest.meta({
      description: 'What the upstream’s reference pointed to; differs only with a platform filter.',
    }),
    mediaType: z.string(),
    platforms: z.array(z.string()),
    sizeBytes: z.int(),
    pin: z.boolean(),
    regions: z.record(z.string(), z.object({ mirror: z.string(), digest })),
    observedAt: time,
    mirroredAt: time,
    revision: z.int().meta({
      description: 'Counts the changes of the mapping: of two events of one image, the higher is newer.',
    }),
    job: z.string().meta({ description: 'The job that published it.' }),
    referrers: z
      .object({
        copied: z.int(),
        missing: z.array(z.object({ digest, code: z.string(), reason: z.string() })),
      })
      .optional(),
    foreign: amount.optional(),
    verified: verified
      .optional()
      .meta({ description: 'What was verified before it was mirrored, if its rule requires signatures.' }),
  })
  .meta({ description: 'The mapping, as the API returns it.' });

const job = z
  .object({
    id: z.string(),
    trigger: z.string().meta({ description: 'Why it ran: webhook, reconcile, request, rollback …' }),
    receivedAt: time,
    attempts: z.int(),
  })
  .meta({ description: 'The mirror job; GET /v1/jobs/{id} has all of it.' });

const error = z
  .object({
    code: z.string().meta({ description: 'Stable, for programs.' }),
    side: z.enum(['upstream', 'mirror', 'drayage']),
    message: z.string(),
    remedy: z.string().meta({ description: 'What the operator can do about it.' }),
  })
  .meta({ description: 'Why the image is not mirrored.' });

/**
 * The attributes of CloudEvents 1.0, in JSON:
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#context-attributes
 */
function cloudEvent<Type extends string, Data extends z.ZodType>(type: Type, data: Data) {
  return z.object({
    specversion: z.literal('1.0'),
    id: z.string().meta({
      description: 'The same whenever the event is sent again: whoever has seen it drops the double.',
    }),
    source: z
      .string()
      .meta({ description: 'The deployment: `/drayage/`, its region, `/` and its repository prefix.' }),
    type: z.literal(type),
    subject: image,
    time: time.meta({ description: 'When it happened, ISO 8601, UTC.' }),
    datacontenttype: z.literal('application/json'),
    data,
  });
}

/** The `detail` of each event, which is also the body of a webhook. */
export const eventSchemas = {
  mirrored: cloudEvent(
    'dev.drayage.image.mirrored.v1',
    z.object({
      image,
      mapping,
      previousDigest: digest
        .optional()
        .meta({ description: 'What the mapping named before, if it was another digest.' }),
      job,
    }),
  ),
  failed: cloudEvent('dev.drayage.image.failed.v1', z.object({ image, error, job })),
  removed: cloudEvent(
    'dev.drayage.mapping.removed.v1',
    z.object({
      image,
      mapping: mapping.meta({ description: 'The mapping that was removed, as the API returned it last.' }),
      reason: z.enum(['deleted', 'untagged', 'archived', 'deleted_upstream']).meta({
        description:
          'What happened to the image in the mirror. `deleted_upstream`: the upstream no longer has the tag, and its rule says `deleted: unmap`; the mirror keeps the image.',
      }),
    }),
  ),
} as const satisfies Record<NotifyEvent, z.ZodType>;

/**
 * Images were deleted from a mirror repository, since nobody needs them. It goes only to the event
 * bus: no mapping changes.
 */
export const prunedSchema = cloudEvent(
  'dev.drayage.images.pruned.v1',
  z.object({
    repository: z.string().meta({ description: 'The upstream repository: `registry/repository`.' }),
    mirrorRepository: z.string(),
    count: z.int().meta({ description: 'How many images were deleted.' }),
    bytes: z.int().meta({ description: 'At most so many: layers that other images share stay.' }),
    dollarsPerMonth: z.number().meta({ description: 'What these bytes cost a month, at the list price.' }),
    images: z
      .array(z.object({ digest, tags: z.array(z.string()) }))
      .meta({ description: 'The first hundred of them, the oldest first.' }),
  }),
);

export type MirroredEvent = z.output<typeof eventSchemas.mirrored>;
export type FailedEvent = z.output<typeof eventSchemas.failed>;
export type RemovedEvent = z.output<typeof eventSchemas.removed>;
/** An event that others are told of. */
export type NotifiedEvent = MirroredEvent | FailedEvent | RemovedEvent;
export type PrunedEvent = z.output<typeof prunedSchema>;
/** An event on the event bus. */
export type BusEvent = NotifiedEvent | PrunedEvent;

/** The `detail-type` of each event on an event bus. */
export const detailTypes: Readonly<Record<NotifyEvent, string>> = {
  mirrored: 'Image Mirrored',
  failed: 'Image Failed',
  removed: 'Mapping Removed',
};

const kinds: Readonly<Record<NotifiedEvent['type'], NotifyEvent>> = {
  'dev.drayage.image.mirrored.v1': 'mirrored',
  'dev.drayage.image.failed.v1': 'failed',
  'dev.drayage.mapping.removed.v1': 'removed',
};

/** The `detail-type` of an event. */
export function detailTypeOf({ type }: Pick<BusEvent, 'type'>): string {
  if (type === 'dev.drayage.images.pruned.v1') return 'Images Pruned';
  return detailTypes[kinds[type]];
}

/**
 * The JSON Schema of an event's `detail` (https://json-schema.org/draft/2020-12). It allows further
 * fields, since later versions may add some.
 */
export function eventJsonSchema(event: NotifyEvent): object {
  const schema = z.toJSONSchema(eventSchemas[event], {
    io: 'input',
    // `format` says it.
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    },
  });
  return { ...schema, title: `Drayage: ${detailTypes[event]}` };
}
