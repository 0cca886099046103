import * as z from 'zod';
import { isManifestType } from '../../oci/media-types.ts';
import type { WebhookSource } from '../source.ts';
import { headerOption } from './shared/options.ts';
import {
  type EventReading,
  excerpt,
  fieldAt,
  ignore,
  imageDeleted,
  imagePushed,
  malformed,
  outcomeOf,
} from './shared/outcome.ts';

const options = z.strictObject({
  /** The header in which the sink's `credentials` or `headers` send the secret. */
  header: headerOption('Authorization'),
});

type Options = z.output<typeof options>;

/**
 * The ends of the types. In newer versions the operator chooses what comes before them
 * (`typePrefix`).
 */
const updated = '.image.updated';
const deleted = '.image.deleted';

const structured = z.object({ type: z.string() });
const image = z.object({
  name: z.string(),
  reference: z.string(),
  mediaType: z.string(),
  digest: z.unknown().optional(),
});
const gone = image.omit({ mediaType: true });

/**
 * zot, which sends CloudEvents in binary mode: the type is in a header, and the body is the data.
 * Structured mode, which relays use to pass events on, is read as well.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#31-binary-content-mode
 */
export const zot: WebhookSource<Options> = {
  name: 'zot',
  title: 'zot',
  optionsSchema: options,
  authentication: ({ header }) => ({
    kind: 'header',
    header: header.toLowerCase(),
    schemes: ['bearer', 'basic'],
  }),
  receive: ({ headers, body, upstream: { registry } }) =>
    outcomeOf([readMode(headers['ce-type'], body, registry)]),
  sample: ({ repository, tag, digest, mediaType }) => ({
    headers: { 'ce-type': 'zotregistry.image.updated' },
    body: { name: repository, reference: tag, digest, mediaType },
  }),
  guide: {
    where: 'zot’s configuration: `extensions.events.sinks`',
    steps: [
      'Add to the configuration file of zot (a build with extensions, not *zot-minimal*):\n\n```json\n{\n  "extensions": {\n    "events": {\n      "enable": true,\n      "sinks": [\n        {\n          "type": "http",\n          "address": "{url}",\n          "timeout": "5s",\n          "credentials": { "username": "drayage", "password": "{secret}" }\n        }\n      ]\n    }\n  }\n}\n```\n\nThe sink sends the credentials as `Authorization: Basic`. Newer versions take `"headers": { "{header}": "{secret}" }` instead, which is the only way if `webhook.options.header` is not `Authorization`.',
      'Check the file with `zot verify config.json`, and restart zot.',
    ],
    accepted: 'an event whose type ends in `.image.updated`, with a tag',
    deleted: 'an event whose type ends in `.image.deleted`, with a tag or a digest',
    ignored: {
      not_a_push: 'another event, such as `image.lint_failed` or `repository.created`',
      not_an_image: 'the media type of a push is not that of a manifest',
      no_tag: 'the push was by digest, like those of the children of an index',
    },
    reference: 'the upstream’s registry and `name`',
    notes: [
      'Payloads name no registry: the webhook speaks for the upstream that it belongs to.',
      'zot does not retry: request what was missed (`POST /v1/mirrors`).',
      'An event contains the whole manifest; above 1 MiB it is refused.',
    ],
    documentation: 'https://zotregistry.dev/latest/articles/events/',
  },
};

function readMode(type: string | undefined, body: unknown, registry: string): EventReading {
  if (type !== undefined) return read(type, body, '', registry);
  const event = structured.safeParse(body);
  if (!event.success)
    return ignore('malformed: neither the header Ce-Type nor the field type says what the event is');
  return read(event.data.type, (body as { data?: unknown }).data, 'data', registry);
}

function read(type: string, data: unknown, path: string, registry: string): EventReading {
  const isDeletion = type.endsWith(deleted);
  if (!isDeletion && !type.endsWith(updated)) return ignore(`not_a_push: the event is ${excerpt(type)}`);
  const field = (key: string) => fieldAt(path, key);
  const paths = { repository: field('name'), tag: field('reference') };
  if (isDeletion) {
    const parsed = gone.safeParse(data);
    if (!parsed.success) return ignore(malformed(parsed.error, data, path));
    const { name: repository, reference: tag, digest } = parsed.data;
    return imageDeleted({ registry, repository, tag, digest }, paths);
  }
  const parsed = image.safeParse(data);
  if (!parsed.success) return ignore(malformed(parsed.error, data, path));
  const { name, reference, mediaType, digest } = parsed.data;
  if (!isManifestType(mediaType))
    return ignore(`not_an_image: ${field('mediaType')} is ${excerpt(mediaType)}`);
  if (reference === '') return ignore(`no_tag: ${field('reference')} is empty`);
  if (reference.includes(':')) return ignore(`no_tag: ${field('reference')} is a digest`);
  return imagePushed({ registry, repository: name, tag: reference }, paths, digest);
}
