import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

/** As Gitea sends them: it adds the headers of other servers. */
const headers = {
  'x-gitea-event': 'package',
  'x-gitea-event-type': 'package',
  'x-gogs-event': 'package',
  'x-github-event': 'package',
};
const push = (changes: Record<string, unknown> = {}) => ({
  body: fixture('gitea-package', changes),
  headers,
});
const upstream = (registry: string, options = '') => `
  - registry: ${registry}
    webhook: { source: gitea, name: it${options} }
    repositories: [{ match: "acme/**" }]`;
const variant = 'another name';

export const cases: SourceCases = {
  upstreams: upstream('gitea.example:3000'),
  variants: { [variant]: upstream('images.example', ', options: { host: "gitea.example:3000" }') },
  accepted: {
    'a push': { ...push(), images: ['gitea.example:3000/acme/team/web:1.0'] },
    'a server that images are pulled from under another name': {
      ...push(),
      variant,
      images: ['images.example/acme/team/web:1.0'],
    },
    'no header that names the event': {
      body: push().body,
      images: ['gitea.example:3000/acme/team/web:1.0'],
    },
  },
  deletions: {
    'a deleted tag': { ...push({ action: 'deleted' }), images: ['gitea.example:3000/acme/team/web:1.0'] },
    'a deleted digest': {
      ...push({ action: 'deleted', 'package.version': `sha256:${'0'.repeat(64)}` }),
      images: [`gitea.example:3000/acme/team/web@sha256:${'0'.repeat(64)}`],
    },
  },
  ignored: {
    'the test of a webhook': {
      body: fixture('gitea-test'),
      headers: { 'x-gitea-event': 'push' },
      reasons: ['not_a_push: the event is "push"'],
    },
    'another action': { ...push({ action: 'renamed' }), reasons: ['not_a_push: action is "renamed"'] },
    'another type': { ...push({ 'package.type': 'npm' }), reasons: ['not_an_image: package.type is "npm"'] },
    'a digest': {
      ...push({ 'package.version': `sha256:${'0'.repeat(64)}` }),
      reasons: ['no_tag: package.version is a digest'],
    },
    'another server': {
      ...push({ 'package.html_url': 'https://other.example/Acme/-/packages/container/web/1.0' }),
      reasons: [
        'other_registry: the host of package.html_url is "other.example", and the webhook’s upstream is gitea.example:3000; see webhook.options.host',
      ],
    },
    'no URL': {
      ...push({ 'package.html_url': '/Acme/-/packages' }),
      reasons: ['malformed: package.html_url is not a URL: "/Acme/-/packages"'],
    },
    'no action': {
      ...push({ action: 1 }),
      reasons: ['malformed: action must be a string, found a number'],
    },
    'no package': {
      ...push({ package: undefined }),
      reasons: ['malformed: package must be an object, found nothing'],
    },
    'no owner': {
      ...push({ 'package.owner': null }),
      reasons: ['malformed: package.owner must be an object, found null'],
    },
    'no name': {
      ...push({ 'package.name': undefined }),
      reasons: ['malformed: package.name must be a string, found nothing'],
    },
    'no version': {
      ...push({ 'package.version': undefined }),
      reasons: ['malformed: package.version must be a string, found nothing'],
    },
    'no page': {
      ...push({ 'package.html_url': undefined }),
      reasons: ['malformed: package.html_url must be a string, found nothing'],
    },
    'an odd name': {
      ...push({ 'package.name': 'a//b' }),
      reasons: ['malformed: package.owner.login and package.name names no repository: "acme/a//b"'],
    },
  },
};
