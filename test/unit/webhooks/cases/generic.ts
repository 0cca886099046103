import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const list = (...images: unknown[]) => ({ body: { images } });
const digest = `sha256:${'0'.repeat(64)}`;

export const cases: SourceCases = {
  upstreams: `
  - registry: reg.example
    webhook: { source: generic, name: it }
    repositories: [{ match: "team/*" }]`,
  variants: {
    'another name': `
  - registry: reg.example
    webhook: { source: generic, name: it, options: { host: "push.example:5000" } }
    repositories: [{ match: "team/*" }]`,
  },
  accepted: {
    'an image': { ...list(`reg.example/team/app:1.0@${digest}`), images: ['reg.example/team/app:1.0'] },
    'a list': {
      body: fixture('generic-images'),
      images: ['reg.example/team/app:1.0', 'reg.example/team/app:2.0'],
    },
    'a list in which some items make no sense': {
      ...list('reg.example/team/app:1', 7, `reg.example/team/app@${digest}`, 'reg.example/team/app'),
      images: ['reg.example/team/app:1'],
      ignored: [
        'malformed: images[1] must be a string, found a number',
        `no_tag: images[2] is ${JSON.stringify(`${`reg.example/team/app@${digest}`.slice(0, 80)}…`)}, which has no tag`,
        'no_tag: images[3] is "reg.example/team/app", which has no tag',
      ],
    },
    'an image under another name': {
      ...list('push.example:5000/team/app:1'),
      variant: 'another name',
      images: ['reg.example/team/app:1'],
    },
  },
  ignored: {
    'another registry': {
      ...list('docker.io/team/app:1'),
      reasons: [
        'other_registry: images[0] is "docker.io", and the webhook’s upstream is reg.example; see webhook.options.host',
      ],
    },
    'no list': { body: {}, reasons: ['malformed: images must be an array, found nothing'] },
    'an empty list': { ...list(), reasons: [] },
    'no reference': {
      ...list('https://reg.example/team/app:1'),
      reasons: ['malformed: images[0] is not an image reference: leave out the scheme (such as https://)'],
    },
  },
};
