import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const push = (changes: Record<string, unknown> = {}) => ({ body: fixture('harbor-push', changes) });
const cloud = (changes: Record<string, unknown> = {}) => ({
  body: fixture('harbor-cloudevent', changes),
  headers: { 'content-type': 'application/cloudevents+json' },
});
const resource = 'event_data.resources.0';
const digest = 'sha256:8a9e9863dbb6e10edb5adfe917c00da84e1700fa76e7ed02476aa6e6fb8ee0d8';
const image = 'harbor.example/shop/app:1.0';
const other = (host: string) =>
  `other_registry: the host of event_data.resources[0].resource_url is ${JSON.stringify(host)}, and the webhook’s upstream is harbor.example; see webhook.options.host`;

export const cases: SourceCases = {
  upstreams: `
  - registry: harbor.example
    webhook: { source: harbor, name: it }
    repositories: [{ match: "shop/**" }]`,
  variants: {
    'options of its own': `
  - registry: harbor.example
    endpoint: http://10.0.0.9:8080
    webhook: { source: harbor, name: it, options: { header: X-Harbor-Secret, host: "harbor.internal:8443" } }
    repositories: [{ match: "shop/**" }]`,
  },
  accepted: {
    'a push': { ...push(), images: [image], digests: [digest] },
    'a push of Harbor 1': { body: fixture('harbor-push-old'), images: [image], digests: [digest] },
    'a CloudEvent of several resources': {
      ...cloud(),
      images: ['harbor.example/shop/app:1.1', 'harbor.example/shop/app:latest'],
      ignored: ['no_tag: data.resources[1].tag is the digest'],
    },
    'an old version’s URL': {
      ...push({ [`${resource}.resource_url`]: `harbor.example/shop/app:${digest}` }),
      images: [image],
    },
    'an invalid digest': {
      ...push({ [`${resource}.digest`]: 7 }),
      images: [image],
      digests: [undefined],
    },
    'a host in upper case': {
      ...push({ [`${resource}.resource_url`]: 'HARBOR.example/shop/app:1.0' }),
      images: [image],
    },
    'the scheme’s own port': {
      ...push({ [`${resource}.resource_url`]: 'harbor.example:443/shop/app:1.0' }),
      images: [image],
    },
    'a deeper repository': {
      ...push({ 'event_data.repository.repo_full_name': 'shop/team/app' }),
      images: ['harbor.example/shop/team/app:1.0'],
    },
    'the option host, under another header': {
      ...push({ [`${resource}.resource_url`]: 'harbor.internal:8443/shop/app:1.0' }),
      variant: 'options of its own',
      images: [image],
    },
    'the endpoint’s host': {
      ...push({ [`${resource}.resource_url`]: '10.0.0.9:8080/shop/app:1.0' }),
      variant: 'options of its own',
      images: [image],
    },
    'only the fields that decide': {
      body: {
        type: 'PUSH_ARTIFACT',
        event_data: {
          resources: [{ tag: '1', resource_url: 'harbor.example/shop/app:1' }],
          repository: { repo_full_name: 'shop/app' },
        },
      },
      images: ['harbor.example/shop/app:1'],
    },
    'resources with an odd one, which are otherwise accepted': {
      ...push({
        'event_data.resources': [null, { tag: 1 }, { tag: '1', resource_url: image }],
      }),
      images: ['harbor.example/shop/app:1'],
      ignored: [
        'malformed: event_data.resources[0] must be an object, found null',
        'malformed: event_data.resources[1].tag must be a string, found a number',
      ],
    },
    'more resources than are read': {
      ...push({ 'event_data.resources': Array(1001).fill({ tag: '1', resource_url: image }) }),
      images: ['harbor.example/shop/app:1'],
      ignored: ['malformed: event_data.resources has 1001 items, and only 1000 were read'],
    },
  },
  deletions: {
    'a deleted artifact': { ...push({ type: 'DELETE_ARTIFACT' }), images: [`${image}@${digest}`] },
    'a deleted artifact without a tag': {
      ...push({
        type: 'DELETE_ARTIFACT',
        [`${resource}.tag`]: digest,
        [`${resource}.resource_url`]: `harbor.example/shop/app@${digest}`,
      }),
      images: [`harbor.example/shop/app@${digest}`],
    },
    'a deletion of Harbor 1': {
      body: fixture('harbor-push-old', { type: 'deleteImage' }),
      images: [`${image}@${digest}`],
    },
    'a CloudEvent': {
      ...cloud({ type: 'harbor.artifact.deleted', 'data.resources.length': 1 }),
      images: [
        'harbor.example/shop/app:1.1@sha256:954b378c375d852eb3c63ab88978f640b4348b01c1b3456a024a81536dafbbf4',
      ],
    },
  },
  ignored: {
    'a pull': { ...push({ type: 'PULL_ARTIFACT' }), reasons: ['not_a_push: type is "PULL_ARTIFACT"'] },
    'a deletion that names nothing': {
      ...push({
        type: 'DELETE_ARTIFACT',
        [`${resource}.tag`]: '',
        [`${resource}.digest`]: '',
      }),
      reasons: ['no_tag: event_data.resources[0].tag is missing or empty, and so is the digest'],
    },
    'a deletion in another registry': {
      ...push({ type: 'DELETE_ARTIFACT', [`${resource}.resource_url`]: 'evil.example/shop/app:1.0' }),
      reasons: [other('evil.example')],
    },
    'a new tag': {
      ...cloud({ type: 'harbor.tag.created' }),
      reasons: ['not_a_push: type is "harbor.tag.created"'],
    },
    'a push by digest': {
      ...push({
        [`${resource}.tag`]: digest,
        [`${resource}.resource_url`]: `harbor.example/shop/app@${digest}`,
      }),
      reasons: ['no_tag: event_data.resources[0].tag is the digest'],
    },
    'no tag': {
      ...push({ [`${resource}.tag`]: undefined }),
      reasons: ['no_tag: event_data.resources[0].tag is missing or empty'],
    },
    'an empty tag': {
      ...push({ [`${resource}.tag`]: '' }),
      reasons: ['no_tag: event_data.resources[0].tag is missing or empty'],
    },
    'an odd tag': {
      ...push({ [`${resource}.tag`]: 'sha256:abc' }),
      reasons: ['malformed: event_data.resources[0].tag is not a tag: "sha256:abc"'],
    },
    'no resources': { ...push({ 'event_data.resources': [] }), reasons: [] },
    'no type': { ...push({ type: undefined }), reasons: ['malformed: type must be a string, found nothing'] },
    'no data': {
      ...push({ event_data: undefined }),
      reasons: ['malformed: event_data must be an object, found nothing'],
    },
    'data under the other format’s name': {
      ...cloud({ type: 'PUSH_ARTIFACT' }),
      reasons: ['malformed: event_data must be an object, found nothing'],
    },
    'a CloudEvent whose data is a text': {
      ...cloud({ data: 'x' }),
      reasons: ['malformed: data must be an object, found a string'],
    },
    'resources that are not a list': {
      ...push({ 'event_data.resources': {} }),
      reasons: ['malformed: event_data.resources must be an array, found an object'],
    },
    'no resource_url': {
      ...push({ [`${resource}.resource_url`]: undefined }),
      reasons: ['malformed: event_data.resources[0].resource_url must be a string, found nothing'],
    },
    'no repository': {
      ...push({ 'event_data.repository': null }),
      reasons: ['malformed: event_data.repository must be an object, found null'],
    },
    'no name': {
      ...push({ 'event_data.repository.repo_full_name': undefined }),
      reasons: ['malformed: event_data.repository.repo_full_name must be a string, found nothing'],
    },
    'an odd name': {
      ...push({ 'event_data.repository.repo_full_name': 'Shop/App' }),
      reasons: ['malformed: event_data.repository.repo_full_name names no repository: "Shop/App"'],
    },
    'another registry': {
      ...push({ [`${resource}.resource_url`]: 'evil.example/shop/app:1.0' }),
      reasons: [other('evil.example')],
    },
    'a URL with a scheme': {
      ...push({ [`${resource}.resource_url`]: 'https://harbor.example/shop/app:1.0' }),
      reasons: [other('https:')],
    },
    'an empty URL': { ...push({ [`${resource}.resource_url`]: '' }), reasons: [other('')] },
    'a repository that no rule names': {
      ...push({ 'event_data.repository.repo_full_name': 'evil/app' }),
      reasons: ['not_configured: no rule of harbor.example matches evil/app'],
    },
  },
};
