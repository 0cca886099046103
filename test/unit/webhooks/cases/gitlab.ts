import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const list = (changes: Record<string, unknown> = {}) => ({ body: fixture('gitlab-images', changes) });
const registry = (changes: Record<string, unknown> = {}) => ({ body: fixture('gitlab-registry', changes) });
const images = (...written: unknown[]) => ({ body: { images: written } });
const api = 'registry.gitlab.com/acme/shop/api:1.4.0';
const tooLong = 'a'.repeat(1025);

export const cases: SourceCases = {
  upstreams: `
  - registry: registry.gitlab.com
    webhook: { source: gitlab, name: it }
    repositories: [{ match: "acme/**" }]`,
  variants: {
    'a host of its own': `
  - registry: registry.git.example
    webhook: { source: gitlab, name: it, options: { host: "10.0.0.7:5050" } }
    repositories: [{ match: "acme/**" }]`,
  },
  accepted: {
    'an image': { ...images(api), images: [api], digests: [undefined] },
    'a list from a CI job, one with a digest': {
      ...list(),
      images: [api, 'registry.gitlab.com/acme/shop/worker:1.4.0'],
      digests: ['sha256:3b1c5f0a9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a', undefined],
    },
    'an envelope of the registry': {
      ...registry(),
      images: ['registry.gitlab.com/acme/shop/api:1.5.0'],
      ignored: ['not_an_image: events[1].target.mediaType is "application/octet-stream"'],
    },
    'an image that is named twice': { ...images(api, api), images: [api] },
    'a registry in upper case': { ...images(api.replace('registry', 'REGISTRY')), images: [api] },
    'the tag latest if it is written': {
      ...images('registry.gitlab.com/acme/shop/api:latest'),
      images: ['registry.gitlab.com/acme/shop/api:latest'],
    },
    'an image under the option host': {
      ...images('10.0.0.7:5050/acme/app:1', 'registry.git.example/acme/app:2'),
      variant: 'a host of its own',
      images: ['registry.git.example/acme/app:1', 'registry.git.example/acme/app:2'],
    },
    'an envelope under the option host': {
      ...registry({ 'events.0.request.host': '10.0.0.7:5050', 'events.1': undefined, 'events.length': 1 }),
      variant: 'a host of its own',
      images: ['registry.git.example/acme/shop/api:1.5.0'],
    },
    'a list whose template keeps GitLab’s kind': {
      body: { object_kind: 'release', images: [api] },
      images: [api],
    },
    'a list with one odd item, which is otherwise accepted': {
      ...images(api, null, { image: api }, 'quay.io/Acme/api:1', '', tooLong),
      images: [api],
      ignored: [
        'malformed: images[1] must be a string, found null',
        'malformed: images[2] must be a string, found an object',
        'malformed: images[3] is not an image reference: the repository "Acme/api" must be lower case; did you mean "acme/api"?',
        'malformed: images[4] is not an image reference: it is empty; write registry/repository:tag',
        'malformed: images[5] is not an image reference: it is longer than 1024 characters',
      ],
    },
  },
  deletions: {
    'a deletion in an envelope of the registry': {
      body: {
        events: [
          {
            action: 'delete',
            target: { repository: 'acme/shop/api', tag: '1.5.0' },
            request: { host: 'registry.gitlab.com' },
          },
        ],
      },
      images: ['registry.gitlab.com/acme/shop/api:1.5.0'],
    },
  },
  ignored: {
    'an empty list': { ...images(), reasons: [] },
    'an image without a tag': {
      ...images('registry.gitlab.com/acme/shop/api', 'nginx'),
      reasons: [
        'no_tag: images[0] is "registry.gitlab.com/acme/shop/api", which has no tag',
        'no_tag: images[1] is "nginx", which has no tag',
      ],
    },
    'an image by digest': {
      ...images(`registry.gitlab.com/acme/shop/api@sha256:${'a'.repeat(64)}`),
      reasons: [
        `no_tag: images[0] is "registry.gitlab.com/acme/shop/api@sha256:${'a'.repeat(39)}…", which has no tag`,
      ],
    },
    'an image of another registry': {
      ...images('docker.io/acme/api:1', 'nginx:1.27'),
      reasons: [
        'other_registry: images[0] is "docker.io", and the webhook’s upstream is registry.gitlab.com; see webhook.options.host',
        'other_registry: images[1] is "docker.io", and the webhook’s upstream is registry.gitlab.com; see webhook.options.host',
      ],
    },
    'a path that climbs': {
      ...images('registry.gitlab.com/../acme:1'),
      reasons: [
        'malformed: images[0] is not an image reference: the repository "../acme" is not lower-case letters and digits, joined by one of . _ __ - and /',
      ],
    },
    'a URL': {
      ...images(`https://${api}`),
      reasons: ['malformed: images[0] is not an image reference: leave out the scheme (such as https://)'],
    },
    'an odd digest': {
      ...images(`${api}@sha256:abc`),
      reasons: [
        'malformed: images[0] is not an image reference: the digest "sha256:abc" is not sha256: or sha512: and its hexadecimal digits in lower case',
      ],
    },
    'more images than are read': {
      ...images(...Array(1001).fill('nginx:1')),
      reasons: [
        ...Array.from(
          { length: 1000 },
          (_, index) =>
            `other_registry: images[${index}] is "docker.io", and the webhook’s upstream is registry.gitlab.com; see webhook.options.host`,
        ),
        'truncated: 1 more were ignored',
      ],
    },
    'images that are not a list': {
      ...list({ images: api }),
      reasons: ['malformed: images must be an array, found a string'],
    },
    'neither images nor events': {
      body: {},
      reasons: ['malformed: images must be an array, found nothing'],
    },
    'a list alone': { body: [api], reasons: ['malformed: body must be an object, found an array'] },
    'an event of GitLab’s own': {
      body: fixture('gitlab-release'),
      reasons: ['not_a_push: the event is "release"'],
    },
    'a pull from the registry': {
      ...registry({ 'events.0.action': 'pull' }),
      reasons: [
        'not_a_push: events[0].action is "pull"',
        'not_an_image: events[1].target.mediaType is "application/octet-stream"',
      ],
    },
    'events that are not a list': {
      ...registry({ events: null }),
      reasons: ['malformed: events must be an array, found null'],
    },
  },
};
