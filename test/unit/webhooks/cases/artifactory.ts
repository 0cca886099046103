import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const push = (changes: Record<string, unknown> = {}) => ({ body: fixture('artifactory-push', changes) });
const upstream = (registry: string, options = '') => `
  - registry: ${registry}
    webhook: { source: artifactory, name: it${options && `, options: { ${options} }`} }
    repositories: [{ match: "**" }]`;

export const cases: SourceCases = {
  upstreams: upstream('acme.jfrog.example'),
  variants: {
    'a host of its own': upstream('docker-local.acme.jfrog.example', 'repository: docker-local'),
    'a virtual repository': upstream('acme.jfrog.example', 'virtual: docker'),
    'a virtual repository of one local': upstream(
      'acme.jfrog.example',
      'virtual: docker, repository: docker-local',
    ),
    'a port of its own': upstream(
      'images.example:5001',
      'repository: docker-local, host: acme.jfrog.example',
    ),
  },
  accepted: {
    'a push': { ...push(), images: ['acme.jfrog.example/docker-local/team/app:1.0'] },
    'several platforms': {
      body: fixture('artifactory-multi-arch'),
      images: ['acme.jfrog.example/docker-local/web:2.1'],
    },
    'a repository that has a host of its own': {
      ...push(),
      variant: 'a host of its own',
      images: ['docker-local.acme.jfrog.example/team/app:1.0'],
    },
    'a repository that has a port of its own': {
      ...push(),
      variant: 'a port of its own',
      images: ['images.example:5001/team/app:1.0'],
    },
    'a push through a virtual repository': {
      ...push(),
      variant: 'a virtual repository',
      images: ['acme.jfrog.example/docker/team/app:1.0'],
    },
    'a push through a virtual repository of one local': {
      ...push(),
      variant: 'a virtual repository of one local',
      images: ['acme.jfrog.example/docker/team/app:1.0'],
    },
    'no origin': {
      ...push({ jpd_origin: undefined, 'data.sha256': { toString: null } }),
      images: ['acme.jfrog.example/docker-local/team/app:1.0'],
    },
  },
  deletions: {
    'a deletion': {
      ...push({ event_type: 'deleted' }),
      images: ['acme.jfrog.example/docker-local/team/app:1.0'],
    },
    'a deletion through a virtual repository': {
      ...push({ event_type: 'deleted' }),
      variant: 'a virtual repository',
      images: ['acme.jfrog.example/docker/team/app:1.0'],
    },
  },
  ignored: {
    'an artifact': { ...push({ domain: 'artifact' }), reasons: ['not_an_image: domain is "artifact"'] },
    'a promotion': { ...push({ event_type: 'promoted' }), reasons: ['not_a_push: event_type is "promoted"'] },
    'a cache': {
      ...push({ 'data.repo_key': 'docker-remote-cache' }),
      reasons: ['cache: data.repo_key is "docker-remote-cache", the cache of a remote repository'],
    },
    'a push by digest': {
      ...push({ 'data.path': 'team/app/sha256:0123/manifest.json' }),
      reasons: ['no_tag: data.path is "team/app/sha256:0123/manifest.json"'],
    },
    'a digest as a folder': {
      ...push({ 'data.path': 'team/app/sha256__0123/manifest.json' }),
      reasons: ['no_tag: data.path is "team/app/sha256__0123/manifest.json"'],
    },
    'no tag': { ...push({ 'data.tag': null }), reasons: ['no_tag: data.tag is missing or empty'] },
    'another platform': {
      ...push({ jpd_origin: 'https://other.jfrog.example' }),
      reasons: [
        'other_registry: the host of jpd_origin is "other.jfrog.example", and the webhook’s upstream is acme.jfrog.example; see webhook.options.host',
      ],
    },
    'another repository': {
      ...push({ 'data.repo_key': 'helm-local' }),
      variant: 'a host of its own',
      reasons: ['other_repository: data.repo_key is "helm-local", and the webhook is for docker-local'],
    },
    'a repository that the virtual one does not hold': {
      ...push({ 'data.repo_key': 'helm-local' }),
      variant: 'a virtual repository of one local',
      reasons: ['other_repository: data.repo_key is "helm-local", and the webhook is for docker-local'],
    },
    'no URL': {
      ...push({ jpd_origin: 'acme' }),
      reasons: ['malformed: jpd_origin is not a URL: "acme"'],
    },
    'a path that is not a manifest’s': {
      ...push({ 'data.path': 'team/app/1.0/config.json' }),
      reasons: ['malformed: data.path is not that of a manifest: "team/app/1.0/config.json"'],
    },
    'a path without a name': {
      ...push({ 'data.path': '1.0/manifest.json' }),
      reasons: ['malformed: data.path is not that of a manifest: "1.0/manifest.json"'],
    },
    'no path': {
      ...push({ 'data.path': undefined }),
      reasons: ['malformed: data.path must be a string, found nothing'],
    },
    'no key': {
      ...push({ 'data.repo_key': undefined }),
      reasons: ['malformed: data.repo_key must be a string, found nothing'],
    },
    'an odd key': {
      ...push({ 'data.repo_key': 'Docker Local' }),
      reasons: ['malformed: data.repo_key and data.path names no repository: "Docker Local/team/app"'],
    },
    'no data': {
      ...push({ data: undefined }),
      reasons: ['malformed: data must be an object, found nothing'],
    },
    'an origin that is a number': {
      ...push({ jpd_origin: 7 }),
      reasons: ['malformed: jpd_origin must be a string, found a number'],
    },
    'no domain': {
      ...push({ domain: undefined }),
      reasons: ['malformed: domain must be a string, found nothing'],
    },
    'a tag that is a number': {
      ...push({ 'data.tag': 1 }),
      reasons: ['malformed: data.tag must be a string, found a number'],
    },
  },
};
