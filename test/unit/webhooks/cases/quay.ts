import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const push = (changes: Record<string, unknown> = {}) => ({ body: fixture('quay-push', changes) });
const other = (host: string, upstream = 'quay.io') =>
  `other_registry: docker_url is ${JSON.stringify(host)}, and the webhook’s upstream is ${upstream}; see webhook.options.host`;

export const cases: SourceCases = {
  upstreams: `
  - registry: quay.io
    webhook: { source: quay, name: it }
    repositories: [{ match: "acme/**" }]`,
  variants: {
    'a Quay of one’s own': `
  - registry: quay.example
    endpoint: https://10.0.0.8:8443
    webhook: { source: quay, name: it, options: { host: quay.internal } }
    repositories: [{ match: "**" }]`,
  },
  accepted: {
    'a push': { ...push(), images: ['quay.io/acme/api:1.4.0'], digests: [undefined] },
    'a push of several tags': {
      ...push({ updated_tags: ['1.4.0', '1.4', '1.4.0'] }),
      images: ['quay.io/acme/api:1.4.0', 'quay.io/acme/api:1.4'],
    },
    'an old version’s push, whose ids are not digests': {
      body: fixture('quay-push-old'),
      images: ['quay.io/acme/api:latest', 'quay.io/acme/api:1.4.0'],
      digests: [undefined, undefined],
    },
    'a deeper path': {
      ...push({ docker_url: 'quay.io/acme/shop/api' }),
      images: ['quay.io/acme/shop/api:1.4.0'],
    },
    'a Quay of one’s own': {
      ...push({ docker_url: 'quay.example/acme/api' }),
      variant: 'a Quay of one’s own',
      images: ['quay.example/acme/api:1.4.0'],
    },
    'its endpoint’s host': {
      ...push({ docker_url: '10.0.0.8:8443/acme/api' }),
      variant: 'a Quay of one’s own',
      images: ['quay.example/acme/api:1.4.0'],
    },
    'the option host': {
      ...push({ docker_url: 'quay.internal/acme/api' }),
      variant: 'a Quay of one’s own',
      images: ['quay.example/acme/api:1.4.0'],
    },
    'only the fields that decide': {
      body: { docker_url: 'quay.io/acme/api', updated_tags: ['1'] },
      images: ['quay.io/acme/api:1'],
    },
    'tags with an odd one, which are otherwise accepted': {
      ...push({ updated_tags: ['1', 2, '.x', ''] }),
      images: ['quay.io/acme/api:1'],
      ignored: [
        'malformed: updated_tags[1] must be a string, found a number',
        'malformed: updated_tags[2] is not a tag: ".x"',
        'malformed: updated_tags[3] is not a tag: ""',
      ],
    },
    'more tags than are read': {
      ...push({ updated_tags: Array(1001).fill('1') }),
      images: ['quay.io/acme/api:1'],
      ignored: ['malformed: updated_tags has 1001 items, and only 1000 were read'],
    },
  },
  ignored: {
    'the test button': {
      body: fixture('quay-test'),
      reasons: ['test: pruned_image_count is there, which only Quay’s test button sends'],
    },
    'another notification': {
      body: fixture('quay-build'),
      reasons: ['not_a_push: updated_tags is missing, so that this is another notification'],
    },
    'no tags': { ...push({ updated_tags: [] }), reasons: ['no_tag: updated_tags is empty'] },
    'no tags, as old versions write it': {
      ...push({ updated_tags: {} }),
      reasons: ['no_tag: updated_tags is empty'],
    },
    'tags that are a text': {
      ...push({ updated_tags: '1.4.0' }),
      reasons: ['malformed: updated_tags must be an array, found a string'],
    },
    'tags that are null': {
      ...push({ updated_tags: null }),
      reasons: ['malformed: updated_tags must be an array, found null'],
    },
    'no docker_url': {
      ...push({ docker_url: undefined }),
      reasons: ['malformed: docker_url must be a string, found nothing'],
    },
    'a docker_url without a path': {
      ...push({ docker_url: 'quay.io' }),
      reasons: ['malformed: docker_url names no repository: "quay.io"'],
    },
    'a docker_url with an empty path': {
      ...push({ docker_url: 'quay.io/' }),
      reasons: ['malformed: docker_url names no repository: ""'],
    },
    'an odd path': {
      ...push({ docker_url: 'quay.io/../acme' }),
      reasons: ['malformed: docker_url names no repository: "../acme"'],
    },
    'a list': { body: [], reasons: ['malformed: body must be an object, found an array'] },
    'another registry': {
      ...push({ docker_url: 'evil.example/acme/api' }),
      reasons: [other('evil.example')],
    },
    'a registry whose name only begins the same': {
      ...push({ docker_url: 'quay.io.evil.example/acme/api' }),
      reasons: [other('quay.io.evil.example')],
    },
    'no registry': { ...push({ docker_url: '/acme/api' }), reasons: [other('')] },
    'Quay.io at a Quay of one’s own': {
      ...push(),
      variant: 'a Quay of one’s own',
      reasons: [other('quay.io', 'quay.example')],
    },
    'a repository that no rule names': {
      ...push({ docker_url: 'quay.io/evil/api' }),
      reasons: ['not_configured: no rule of quay.io matches evil/api'],
    },
  },
};
