import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const headers = { 'x-nexus-webhook-id': 'rm:repository:component' };
const push = (changes: Record<string, unknown> = {}) => ({
  body: fixture('nexus-component', changes),
  headers,
});
const upstream = (options = '') => `
  - registry: nexus.example:5000
    webhook: { source: nexus, name: it${options} }
    repositories: [{ match: "team/*" }]`;
const variant = 'one repository';

export const cases: SourceCases = {
  upstreams: upstream(),
  variants: { [variant]: upstream(', options: { repository: docker-hosted }') },
  accepted: {
    'a push': { ...push(), images: ['nexus.example:5000/team/app:1.0'] },
    'a tag that moves': { ...push({ action: 'UPDATED' }), images: ['nexus.example:5000/team/app:1.0'] },
    'the repository of the connector': { ...push(), variant, images: ['nexus.example:5000/team/app:1.0'] },
  },
  deletions: {
    'a deletion': { ...push({ action: 'DELETED' }), images: ['nexus.example:5000/team/app:1.0'] },
    'what a task removed': { ...push({ action: 'PURGED' }), images: ['nexus.example:5000/team/app:1.0'] },
    'a deleted digest': {
      ...push({ action: 'DELETED', 'component.version': `sha256:${'0'.repeat(64)}` }),
      images: [`nexus.example:5000/team/app@sha256:${'0'.repeat(64)}`],
    },
  },
  ignored: {
    'an asset': {
      ...push(),
      headers: { 'x-nexus-webhook-id': 'rm:repository:asset' },
      reasons: ['not_a_push: the event is "rm:repository:asset"'],
    },
    'a deletion that names nothing': {
      ...push({ action: 'DELETED', 'component.version': null }),
      reasons: ['no_tag: component.version is missing or empty, and so is the digest'],
    },
    'another format': {
      ...push({ 'component.format': 'maven2' }),
      reasons: ['not_an_image: component.format is "maven2"'],
    },
    'a digest': {
      ...push({ 'component.version': `sha256:${'0'.repeat(64)}` }),
      reasons: ['no_tag: component.version is a digest'],
    },
    'no version': {
      ...push({ 'component.version': null }),
      reasons: ['no_tag: component.version is missing or empty'],
    },
    'another repository': {
      ...push({ repositoryName: 'docker-other' }),
      variant,
      reasons: ['other_repository: repositoryName is "docker-other", and the webhook is for docker-hosted'],
    },
    'no repository': {
      ...push({ repositoryName: undefined }),
      variant,
      reasons: ['malformed: repositoryName must be a string, found nothing'],
    },
    'no header': {
      ...push(),
      headers: {},
      reasons: ['malformed: the header X-Nexus-Webhook-Id is missing'],
    },
    'no action': {
      ...push({ action: undefined }),
      reasons: ['malformed: action must be a string, found nothing'],
    },
    'no component': {
      ...push({ component: [] }),
      reasons: ['malformed: component must be an object, found an array'],
    },
    'no name': {
      ...push({ 'component.name': undefined }),
      reasons: ['malformed: component.name must be a string, found nothing'],
    },
    'a version that is a number': {
      ...push({ 'component.version': 1 }),
      reasons: ['malformed: component.version must be a string, found a number'],
    },
    'an odd name': {
      ...push({ 'component.name': 'Team/App' }),
      reasons: ['malformed: component.name names no repository: "Team/App"'],
    },
  },
};
