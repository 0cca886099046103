import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

/** As Forgejo sends them, with Gitea's signature, which is not looked at. */
const headers = {
  'x-forgejo-event': 'package',
  'x-gitea-event': 'package',
  'x-gitea-signature': '0'.repeat(64),
  'x-github-event': 'package',
};
const push = (changes: Record<string, unknown> = {}) => ({
  body: fixture('forgejo-package', changes),
  headers,
});

export const cases: SourceCases = {
  upstreams: `
  - registry: forge.example
    webhook: { source: forgejo, name: it }
    repositories: [{ match: "acme/**" }]`,
  accepted: { 'a push': { ...push(), images: ['forge.example/acme/team/web:1.0'] } },
  deletions: {
    'a deletion': { ...push({ action: 'deleted' }), images: ['forge.example/acme/team/web:1.0'] },
  },
  ignored: {
    'another event': {
      ...push(),
      headers: { ...headers, 'x-forgejo-event': 'push' },
      reasons: ['not_a_push: the event is "push"'],
    },
    'another type': {
      ...push({ 'package.type': 'generic' }),
      reasons: ['not_an_image: package.type is "generic"'],
    },
    'a digest': {
      ...push({ 'package.version': `sha256:${'0'.repeat(64)}` }),
      reasons: ['no_tag: package.version is a digest'],
    },
    'another server': {
      ...push({ 'package.html_url': 'https://codeberg.org/Acme/-/packages/container/web/1.0' }),
      reasons: [
        'other_registry: the host of package.html_url is "codeberg.org", and the webhook’s upstream is forge.example; see webhook.options.host',
      ],
    },
    'no package': {
      ...push({ package: 'web' }),
      reasons: ['malformed: package must be an object, found a string'],
    },
  },
};
