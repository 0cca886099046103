import { mediaTypes } from '../../../../core/oci/media-types.ts';
import { fixture } from '../fixture.ts';
import type { CaseDelivery, SourceCases } from '../source-cases.ts';

const headers = { 'content-type': 'application/vnd.docker.distribution.events.v1+json' };
const push = (changes: Record<string, unknown> = {}) => ({
  body: fixture('distribution-push', changes),
  headers,
});
const [event] = (fixture('distribution-push') as { events: unknown[] }).events;
const image = 'registry.example:5000/team/web:1.0';

/** A push whose one event has another value. */
const target = (path: string, value: unknown) => push({ [`events.0.${path}`]: value });
/** A deletion as the registry sends it: it names no media type. */
const deletion = (target: Record<string, unknown>, host = 'registry.example:5000') => ({
  body: {
    events: [{ action: 'delete', target: { repository: 'team/web', ...target }, request: { host } }],
  },
  headers,
});
const digest = 'sha256:fea8895f450959fa676bcc1df0611ea93823a735a01205fd8622846041d0c7cf';
const elsewhere = 'reached under other names';
const from = (host: string): CaseDelivery & { images: string[] } => ({
  ...target('request.host', host),
  variant: elsewhere,
  images: [image],
});
const notFrom = (host: string): CaseDelivery & { reasons: string[] } => ({
  ...target('request.host', host),
  variant: elsewhere,
  reasons: [
    `other_registry: events[0].request.host is ${JSON.stringify(host)}, and the webhook’s upstream is registry.example:5000; see webhook.options.host`,
  ],
});

export const cases: SourceCases = {
  upstreams: `
  - registry: registry.example:5000
    webhook: { source: distribution, name: it }
    repositories: [{ match: "team/*" }]`,
  variants: {
    [elsewhere]: `
  - registry: registry.example:5000
    endpoint: http://10.0.0.5:5000
    webhook: { source: distribution, name: it, options: { header: X-Secret, host: push.example } }
    repositories: [{ match: "team/*" }]`,
  },
  accepted: {
    'a push': {
      ...push(),
      images: [image],
      digests: ['sha256:fea8895f450959fa676bcc1df0611ea93823a735a01205fd8622846041d0c7cf'],
    },
    'an OCI manifest': { ...target('target.mediaType', mediaTypes.ociManifest), images: [image] },
    'an OCI index': { ...target('target.mediaType', mediaTypes.ociIndex), images: [image] },
    'a Docker manifest': { ...target('target.mediaType', mediaTypes.dockerManifest), images: [image] },
    'a Docker manifest list': {
      ...target('target.mediaType', mediaTypes.dockerManifestList),
      images: [image],
    },
    'the pushes in an envelope of several events': {
      body: fixture('distribution-envelope'),
      images: ['registry.example:5000/team/web:1.1', 'registry.example:5000/team/api:2.0'],
      ignored: [
        'not_an_image: events[0].target.mediaType is "application/octet-stream"',
        'not_a_push: events[1].action is "mount"',
        'no_tag: events[2].target.tag is missing or empty',
        'not_a_push: events[4].action is "pull"',
        'kept: the rule team/* keeps what is deleted upstream (deleted: keep)',
      ],
    },
    'an envelope with odd events, which is otherwise accepted': {
      body: { events: [null, 7, { action: 'push' }, { action: 'push', target: [] }, event, 'x'] },
      images: [image],
      ignored: [
        'malformed: events[0] must be an object, found null',
        'malformed: events[1] must be an object, found a number',
        'malformed: events[2].target must be an object, found nothing',
        'malformed: events[3].target must be an object, found an array',
        'malformed: events[5] must be an object, found a string',
      ],
    },
    'one image that is reported several times': { body: { events: [event, event, event] }, images: [image] },
    'only the fields that decide': {
      body: {
        events: [
          {
            action: 'push',
            target: { mediaType: mediaTypes.ociManifest, tag: '1.0', repository: 'team/web' },
            request: { host: 'registry.example:5000' },
          },
        ],
      },
      images: [image],
      digests: [undefined],
    },
    'the upstream’s own name': from('registry.example:5000'),
    'the upstream’s own name in upper case': from('REGISTRY.EXAMPLE:5000'),
    'its endpoint’s host': from('10.0.0.5:5000'),
    'the option host': from('push.example'),
  },
  deletions: {
    'a deleted tag': { ...deletion({ tag: '1.0' }), images: [image] },
    'a deleted manifest': {
      ...deletion({ digest }),
      images: [`registry.example:5000/team/web@${digest}`],
    },
    'the option host': { ...deletion({ tag: '1.0' }, 'push.example'), variant: elsewhere, images: [image] },
  },
  ignored: {
    'a deleted repository': {
      ...deletion({}),
      reasons: ['no_tag: events[0].target.tag is missing or empty, and so is the digest'],
    },
    'a deletion whose tag is odd': {
      ...deletion({ tag: '.x' }),
      reasons: ['malformed: events[0].target.tag is not a tag: ".x"'],
    },
    'a deletion without a repository': {
      ...deletion({ tag: '1', repository: 'Team' }),
      reasons: ['malformed: events[0].target.repository names no repository: "Team"'],
    },
    'a deletion without a target': {
      body: { events: [{ action: 'delete' }] },
      reasons: ['malformed: events[0].target must be an object, found nothing'],
    },
    'a deletion elsewhere': {
      ...deletion({ tag: '1.0' }, 'evil.example'),
      reasons: [
        'other_registry: events[0].request.host is "evil.example", and the webhook’s upstream is registry.example:5000; see webhook.options.host',
      ],
    },
    'a deletion in a repository that no rule names': {
      ...deletion({ tag: '1.0', repository: 'other/web' }),
      reasons: ['not_configured: no rule of registry.example:5000 matches other/web'],
    },
    'a pull': { ...target('action', 'pull'), reasons: ['not_a_push: events[0].action is "pull"'] },
    'an empty envelope': { body: { events: [] }, reasons: [] },
    'more events than are read': {
      body: { events: Array(20_000).fill(0) },
      reasons: [
        ...Array.from(
          { length: 1000 },
          (_, index) => `malformed: events[${index}] must be an object, found a number`,
        ),
        'truncated: 9001 more were ignored',
      ],
    },
    'the host without its port': notFrom('registry.example'),
    'another port': notFrom('registry.example:5001'),
    'another host': notFrom('evil.example'),
    'an empty host': notFrom(''),
    'the option host with a port': notFrom('push.example:80'),
    'no events': {
      ...push({ events: undefined }),
      reasons: ['malformed: events must be an array, found nothing'],
    },
    'events that are an object': {
      ...push({ events: {} }),
      reasons: ['malformed: events must be an array, found an object'],
    },
    'no action': {
      ...target('action', undefined),
      reasons: ['malformed: events[0].action must be a string, found nothing'],
    },
    'no target': {
      ...target('target', undefined),
      reasons: ['malformed: events[0].target must be an object, found nothing'],
    },
    'no media type': {
      ...target('target.mediaType', undefined),
      reasons: ['malformed: events[0].target.mediaType must be a string, found nothing'],
    },
    'a manifest of schema 1': {
      ...target('target.mediaType', mediaTypes.dockerSchema1Signed),
      reasons: [`not_an_image: events[0].target.mediaType is "${mediaTypes.dockerSchema1Signed}"`],
    },
    'a tag that is a number': {
      ...target('target.tag', 1),
      reasons: ['malformed: events[0].target.tag must be a string, found a number'],
    },
    'an empty tag': {
      ...target('target.tag', ''),
      reasons: ['no_tag: events[0].target.tag is missing or empty'],
    },
    'an odd tag': {
      ...target('target.tag', '.x'),
      reasons: ['malformed: events[0].target.tag is not a tag: ".x"'],
    },
    'no repository': {
      ...target('target.repository', undefined),
      reasons: ['malformed: events[0].target.repository must be a string, found nothing'],
    },
    'an odd repository': {
      ...target('target.repository', 'Team/Web'),
      reasons: ['malformed: events[0].target.repository names no repository: "Team/Web"'],
    },
    'no request': {
      ...target('request', undefined),
      reasons: ['malformed: events[0].request must be an object, found nothing'],
    },
    'a host that is null': {
      ...target('request.host', null),
      reasons: ['malformed: events[0].request.host must be a string, found null'],
    },
  },
};
