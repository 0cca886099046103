import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const data = (event: unknown) =>
  Buffer.from(typeof event === 'string' ? event : JSON.stringify(event)).toString('base64');
const unwrapped = (changes: Record<string, unknown> = {}) => ({ body: fixture('gar-unwrapped', changes) });
const push = (changes: Record<string, unknown> = {}) => ({
  body: fixture('gar-push', { 'message.data': data(unwrapped(changes).body) }),
});
const raw = (value: unknown) => ({ body: fixture('gar-push', { 'message.data': value }) });
const upstream = (registry: string, more = '') => `
  - registry: ${registry}
    webhook: { source: gar, name: it, options: { email: push@acme-prod.iam.gserviceaccount.com, jwks: "{jwks}"${more} } }
    repositories: [{ match: "acme-prod/**" }]`;
const image = 'europe-docker.pkg.dev/acme-prod/images/app:1.0';

export const cases: SourceCases = {
  upstreams: upstream('europe-docker.pkg.dev'),
  variants: {
    'another audience': upstream('europe-docker.pkg.dev', ', audience: drayage'),
    'another issuer': upstream('europe-docker.pkg.dev', ', issuer: "https://issuer.example"'),
    'the older name': upstream('eu.gcr.io'),
  },
  accepted: {
    'a push': { ...push(), images: [image] },
    'an unwrapped message': { ...unwrapped(), images: [image] },
    'another audience': { ...push(), variant: 'another audience', images: [image] },
    'another issuer': { ...push(), variant: 'another issuer', images: [image] },
    'a digest of a wrong type': { ...push({ digest: 7 }), images: [image] },
    'no digest': { ...push({ digest: undefined }), images: [image] },
    'a registry of the older name': {
      ...push({ tag: 'eu.gcr.io/acme-prod/app:1.0' }),
      variant: 'the older name',
      images: ['eu.gcr.io/acme-prod/app:1.0'],
    },
  },
  deletions: {
    'a deleted tag': { ...push({ action: 'DELETE', digest: undefined }), images: [image] },
    'a deleted image': {
      ...push({ action: 'DELETE', tag: undefined }),
      images: [
        'europe-docker.pkg.dev/acme-prod/images/app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      ],
    },
    'a deleted tag with its digest': {
      ...unwrapped({ action: 'DELETE' }),
      images: [`${image}@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`],
    },
  },
  ignored: {
    'another action': {
      ...push({ action: 'UPDATE' }),
      reasons: ['not_a_push: message.data.action is "UPDATE"'],
    },
    'a deletion that names nothing': {
      ...unwrapped({ action: 'DELETE', tag: undefined, digest: undefined }),
      reasons: ['no_tag: tag is missing or empty'],
    },
    'a deletion whose digest has no repository': {
      ...unwrapped({ action: 'DELETE', tag: undefined, digest: `sha256:${'0'.repeat(64)}` }),
      reasons: [`malformed: digest is not a reference with a digest: "sha256:${'0'.repeat(64)}"`],
    },
    'a deletion in another location': {
      ...unwrapped({
        action: 'DELETE',
        tag: undefined,
        digest: `us-docker.pkg.dev/acme-prod/images/app@sha256:${'0'.repeat(64)}`,
      }),
      reasons: [
        'other_registry: digest is at "us-docker.pkg.dev", and the webhook’s upstream is europe-docker.pkg.dev',
      ],
    },
    'no tag': { ...push({ tag: undefined }), reasons: ['no_tag: message.data.tag is missing or empty'] },
    'no tag in an unwrapped message': {
      ...unwrapped({ tag: '' }),
      reasons: ['no_tag: tag is missing or empty'],
    },
    'another location': {
      ...push({ tag: 'us-docker.pkg.dev/acme-prod/images/app:1.0' }),
      reasons: [
        'other_registry: message.data.tag is at "us-docker.pkg.dev", and the webhook’s upstream is europe-docker.pkg.dev',
      ],
    },
    'a name without a registry': {
      ...unwrapped({ tag: 'app:1.0' }),
      reasons: ['other_registry: tag is at "docker.io", and the webhook’s upstream is europe-docker.pkg.dev'],
    },
    'a reference without a tag': {
      ...push({ tag: 'europe-docker.pkg.dev/acme-prod/images/app' }),
      reasons: [
        'malformed: message.data.tag is not a reference with a tag: "europe-docker.pkg.dev/acme-prod/images/app"',
      ],
    },
    'no reference': {
      ...push({ tag: 'europe-docker.pkg.dev//app:1.0' }),
      reasons: [
        'malformed: message.data.tag is not a reference with a tag: "europe-docker.pkg.dev//app:1.0"',
      ],
    },
    'a tag that is a number': {
      ...push({ tag: 1 }),
      reasons: ['malformed: message.data.tag must be a string, found a number'],
    },
    'no action': {
      ...push({ action: undefined }),
      reasons: ['malformed: message.data.action must be a string, found nothing'],
    },
    'no data': { ...raw(undefined), reasons: ['malformed: message.data must be a string, found nothing'] },
    'what is not base64': { ...raw('{"a":1}'), reasons: ['malformed: message.data is not base64'] },
    'what is not JSON': {
      ...raw(data('INSERT')),
      reasons: ['malformed: message.data is not JSON in base64'],
    },
    'no text': { ...raw(''), reasons: ['malformed: message.data is not JSON in base64'] },
    'a text in base64': {
      ...raw(data('"INSERT"')),
      reasons: ['malformed: message.data must be an object, found a string'],
    },
    'a message that is null': {
      body: { message: null },
      reasons: ['malformed: message must be an object, found null'],
    },
    'a list': { body: [], reasons: ['malformed: body must be an object, found an array'] },
  },
};
