import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const push = (changes: Record<string, unknown> = {}, event = 'package') => ({
  body: fixture('github-package', changes),
  headers: { 'x-github-event': event, 'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958' },
});

/** The same event as GitHub Apps get it, under another name. */
const registryPackage = () => {
  const { package: pushed, ...rest } = fixture('github-package') as Record<string, unknown>;
  return {
    body: { ...rest, registry_package: pushed },
    headers: { 'x-github-event': 'registry_package' },
  };
};

const tag = 'package.package_version.container_metadata.tag';
const image = 'ghcr.io/acme/svc/api:1.2.0';
const digest = 'sha256:5f1d1dfd3d0dd21b1b8b5e8f6d4ed2ad8c3a2c8db0a4ef0a1f1d9d8c7b6a5948';

export const cases: SourceCases = {
  upstreams: `
  - registry: ghcr.io
    webhook: { source: github, name: it }
    repositories: [{ match: "acme/**" }]`,
  accepted: {
    'a push': { ...push(), images: [image], digests: [digest] },
    'an update': { ...push({ action: 'updated' }), images: [image] },
    'the action of older versions': { ...push({ action: 'create' }), images: [image] },
    'the event of GitHub Apps': { ...registryPackage(), images: [image] },
    'a type in mixed case': {
      ...push({ 'package.package_type': 'Container' }),
      images: [image],
    },
    'a type in lower case': { ...push({ 'package.package_type': 'container' }), images: [image] },
    'the legacy type': { ...push({ 'package.package_type': 'docker' }), images: [image] },
    'the legacy type in upper case': { ...push({ 'package.package_type': 'DOCKER' }), images: [image] },
    'no namespace': { ...push({ 'package.namespace': undefined }), images: [image] },
    'an empty namespace': { ...push({ 'package.namespace': '' }), images: [image] },
    'a namespace that is null': { ...push({ 'package.namespace': null }), images: [image] },
    'no owner': { ...push({ 'package.owner': undefined }), images: [image] },
    'no digest': { ...push({ [`${tag}.digest`]: undefined }), images: [image], digests: [undefined] },
    'only the fields that decide': {
      body: {
        action: 'published',
        package: {
          name: 'api',
          namespace: 'acme',
          package_type: 'CONTAINER',
          package_version: { container_metadata: { tag: { name: '1' } } },
        },
      },
      headers: { 'x-github-event': 'package' },
      images: ['ghcr.io/acme/api:1'],
    },
  },
  ignored: {
    'a deletion': { ...push({ action: 'deleted' }), reasons: ['not_a_push: the action is "deleted"'] },
    'another event': { ...push({}, 'push'), reasons: ['not_a_push: the event is "push"'] },
    'an event without a name': {
      body: push().body,
      reasons: ['malformed: the header X-GitHub-Event is missing'],
    },
    'the other event’s key': {
      ...push({}, 'registry_package'),
      reasons: ['malformed: registry_package must be an object, found nothing'],
    },
    'a package of npm': {
      ...push({ 'package.package_type': 'NPM' }),
      reasons: ['not_an_image: the package type is "NPM"'],
    },
    'an untagged push': { ...push({ [`${tag}.name`]: '' }), reasons: [`no_tag: ${tag}.name is empty`] },
    'a tag that is null': { ...push({ [`${tag}.name`]: null }), reasons: [`no_tag: ${tag}.name is empty`] },
    'no version': {
      ...push({ 'package.package_version': null }),
      reasons: [`no_tag: ${tag}.name is empty`],
    },
    'no action': {
      ...push({ action: undefined }),
      reasons: ['malformed: action must be a string, found nothing'],
    },
    'no package': {
      ...push({ package: undefined }),
      reasons: ['malformed: package must be an object, found nothing'],
    },
    'a tag that is a number': {
      ...push({ [`${tag}.name`]: 1 }),
      reasons: [`malformed: ${tag}.name must be a string, found a number`],
    },
    'a tag without a name': {
      ...push({ [tag]: {} }),
      reasons: [`malformed: ${tag}.name must be a string, found nothing`],
    },
    'no name': {
      ...push({ 'package.name': undefined }),
      reasons: ['malformed: package.name must be a string, found nothing'],
    },
    'a type that is a list': {
      ...push({ 'package.package_type': [] }),
      reasons: ['malformed: package.package_type must be a string, found an array'],
    },
    'neither namespace nor owner': {
      ...push({ 'package.namespace': undefined, 'package.owner': {} }),
      reasons: ['malformed: package.namespace and package.owner.login are both missing'],
    },
    'an odd name': {
      ...push({ 'package.name': 'a//b' }),
      reasons: ['malformed: package.namespace and package.name names no repository: "acme/a//b"'],
    },
    'an odd tag': {
      ...push({ [`${tag}.name`]: 'sha256:aa' }),
      reasons: [`malformed: ${tag}.name is not a tag: "sha256:aa"`],
    },
    'a repository that no rule names': {
      ...push({ 'package.namespace': 'other' }),
      reasons: ['not_configured: no rule of ghcr.io matches other/svc/api'],
    },
  },
  answered: {
    'a ping': {
      body: fixture('github-ping'),
      headers: { 'x-github-event': 'ping' },
      answer: { status: 200, body: { accepted: [], ignored: [] } },
    },
  },
};
