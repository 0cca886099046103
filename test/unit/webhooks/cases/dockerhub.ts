import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const push = (changes: Record<string, unknown> = {}) => ({ body: fixture('dockerhub-push', changes) });

export const cases: SourceCases = {
  upstreams: `
  - registry: docker.io
    webhook: { source: dockerhub, name: it }
    repositories:
      - { match: "acme/*", tags: { exclude: ["*-dev"] } }
      - { match: "library/*" }`,
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
    'a push in the form of Alibaba Cloud': {
      ...push({ 'repository.repo_name': undefined, 'repository.repo_full_name': 'acme/api' }),
      variant: 'another registry',
      images: ['registry.example/acme/api:2.4.1'],
    },
    'both names': {
      ...push({ 'repository.repo_full_name': 'evil/api' }),
      images: ['docker.io/acme/api:2.4.1'],
    },
    'a time with a fraction': {
      ...push({ 'push_data.pushed_at': 1760000000.25 }),
      images: ['docker.io/acme/api:2.4.1'],
    },
    'only the fields that decide': {
      body: { push_data: { tag: '1' }, repository: { repo_name: 'acme/api', status: 7 }, extra: [null] },
      images: ['docker.io/acme/api:1'],
    },
  },
  ignored: {
    'a tag that is null': {
      ...push({ 'push_data.tag': null }),
      reasons: ['no_tag: push_data.tag is missing or empty'],
    },
    'push_data that is a text': {
      ...push({ push_data: 'x' }),
      reasons: ['malformed: push_data must be an object, found a string'],
    },
    'no repository': {
      ...push({ repository: null }),
      reasons: ['malformed: repository must be an object, found null'],
    },
    'no name at all': {
      ...push({ 'repository.repo_name': undefined }),
      reasons: ['malformed: repository.repo_name must be a string, found nothing'],
    },
    'a name that is a list': {
      ...push({ 'repository.repo_name': ['a'] }),
      reasons: ['malformed: repository.repo_name must be a string, found an array'],
    },
    'a full name that is a number': {
      ...push({ 'repository.repo_name': undefined, 'repository.repo_full_name': 7 }),
      reasons: ['malformed: repository.repo_name must be a string, found nothing'],
    },
    'an empty name': {
      ...push({ 'repository.repo_name': '' }),
      reasons: ['malformed: repository.repo_name names no repository: "library/"'],
    },
    'a path that climbs': {
      ...push({ 'repository.repo_name': '../../etc' }),
      reasons: ['malformed: repository.repo_name names no repository: "../../etc"'],
    },
    'another host in the name': {
      ...push({ 'repository.repo_name': 'ghcr.io@acme/api' }),
      reasons: ['malformed: repository.repo_name names no repository: "ghcr.io@acme/api"'],
    },
    'a list': { body: [], reasons: ['malformed: body must be an object, found an array'] },
    'a text': { body: '"text"', reasons: ['malformed: body must be an object, found a string'] },
    null: { body: 'null', reasons: ['malformed: body must be an object, found null'] },
    'a number': { body: '7', reasons: ['malformed: body must be an object, found a number'] },
    'a repository that no rule names': {
      ...push({ 'repository.repo_name': 'evil/api' }),
      reasons: ['not_configured: no rule of docker.io matches evil/api'],
    },
    'a tag that the rule leaves out': {
      ...push({ 'push_data.tag': '1-dev' }),
      reasons: ['not_configured: the rule acme/* leaves out the tag 1-dev: tags.exclude has *-dev'],
    },
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
