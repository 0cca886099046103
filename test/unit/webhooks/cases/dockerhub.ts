import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const push = (changes: Record<string, unknown> = {}) => ({ body: fixture('dockerhub-push', changes) });

export const cases: SourceCases = {
  upstreams: `
  - registry: docker.io
    webhook: { source: dockerhub, name: it }
    repositories: [{ match: "acme/*" }, { match: "library/*" }]`,
  variants: {
    'another registry': `
  - registry: registry.example
    webhook: { source: dockerhub, name: it }
    repositories: [{ match: "**" }]`,
  },
  accepted: {
    'a push': { ...push(), images: ['docker.io/acme/api:2.4.1'] },
    'an official image': {
      ...push({ 'repository.repo_name': 'nginx' }),
      images: ['docker.io/library/nginx:2.4.1'],
    },
    'a name without a slash at another registry': {
      ...push({ 'repository.repo_name': 'nginx' }),
      variant: 'another registry',
      images: ['registry.example/nginx:2.4.1'],
    },
    'a time with a fraction': {
      ...push({ 'push_data.pushed_at': 1760000000.25 }),
      images: ['docker.io/acme/api:2.4.1'],
    },
    'nothing but what decides': {
      body: { push_data: { tag: '1' }, repository: { repo_name: 'acme/api' } },
      images: ['docker.io/acme/api:1'],
    },
  },
  ignored: {
    'no tag': {
      ...push({ 'push_data.tag': undefined }),
      reasons: ['no_tag: push_data.tag is missing or empty'],
    },
    'an empty tag': {
      ...push({ 'push_data.tag': '' }),
      reasons: ['no_tag: push_data.tag is missing or empty'],
    },
    'no push_data': {
      ...push({ push_data: undefined }),
      reasons: ['malformed: push_data must be an object, found nothing'],
    },
    'a tag that is a number': {
      ...push({ 'push_data.tag': 7 }),
      reasons: ['malformed: push_data.tag must be a string, found a number'],
    },
    'no name': {
      ...push({ 'repository.repo_name': null }),
      reasons: ['malformed: repository.repo_name must be a string, found null'],
    },
    'an odd name': {
      ...push({ 'repository.repo_name': 'Acme//api' }),
      reasons: ['malformed: repository.repo_name names no repository: "Acme//api"'],
    },
    'an odd tag': {
      ...push({ 'push_data.tag': 'a b' }),
      reasons: ['malformed: push_data.tag is not a tag: "a b"'],
    },
  },
};
