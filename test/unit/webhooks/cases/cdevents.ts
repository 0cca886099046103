import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const push = (changes: Record<string, unknown> = {}) => ({ body: fixture('cdevents-published', changes) });
const of = (id: unknown) => push({ 'subject.id': id });
const upstream = (registry: string, options = '') => `
  - registry: ${registry}
    webhook: { source: cdevents, name: it${options} }
    repositories: [{ match: "**" }]`;
const images = ['reg.example/acme/app:1.0'];
const at = 'repository_url=reg.example/acme/app';

export const cases: SourceCases = {
  upstreams: upstream('reg.example'),
  variants: {
    'the secret in the path': upstream('reg.example', ', options: { authentication: path }'),
    'Docker Hub': upstream('docker.io'),
  },
  accepted: {
    'a push': { ...push(), images },
    'a CloudEvent': { body: fixture('cdevents-wrapped'), images },
    'a newer version': { ...push({ 'context.type': 'dev.cdevents.artifact.published.1.0.0' }), images },
    'the secret in the path': { ...push(), variant: 'the secret in the path', images },
    'a package URL without a digest': { ...of(`pkg:oci/app?${at}&tag=1.0`), images },
    'a package URL in another spelling': {
      ...of('PKG://OCI/app@latest?Tag=1.0&REPOSITORY_URL=reg.example%2Facme%2Fapp&arch=amd64#sub/path'),
      images,
    },
    'an image at Docker Hub': {
      ...of('pkg:oci/alpine?repository_url=index.docker.io/library/alpine&tag=3'),
      variant: 'Docker Hub',
      images: ['docker.io/library/alpine:3'],
    },
  },
  deletions: {
    'a deletion': {
      ...push({ 'context.type': 'dev.cdevents.artifact.deleted.0.2.0' }),
      images: [
        'reg.example/acme/app:1.0@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      ],
    },
    'a deletion by digest': {
      ...push({
        'context.type': 'dev.cdevents.artifact.deleted.0.2.0',
        'subject.id': `pkg:oci/app@sha256%3A9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08?${at}`,
      }),
      images: [
        'reg.example/acme/app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      ],
    },
  },
  ignored: {
    'another event': {
      ...push({ 'context.type': 'dev.cdevents.artifact.packaged.0.3.0' }),
      reasons: ['not_a_push: context.type is "dev.cdevents.artifact.packaged.0.3.0"'],
    },
    'another type': {
      ...of('pkg:npm/app@1.0.0'),
      reasons: ['not_an_image: subject.id has the type "npm"'],
    },
    'a deletion that names nothing': {
      ...push({
        'context.type': 'dev.cdevents.artifact.deleted.0.2.0',
        'subject.id': `pkg:oci/app?${at}`,
      }),
      reasons: ['no_tag: subject.id is missing or empty, and so is the digest'],
    },
    'no tag': { ...of(`pkg:oci/app?${at}&tag=`), reasons: ['no_tag: subject.id has no qualifier tag'] },
    'another registry': {
      ...of('pkg:oci/app?repository_url=other.example:5000/acme/app&tag=1.0'),
      reasons: [
        'other_registry: subject.id is at "other.example:5000", and the webhook’s upstream is reg.example',
      ],
    },
    'no repository': {
      ...of('pkg:oci/app?tag=1.0'),
      reasons: ['malformed: subject.id has no qualifier repository_url: "pkg:oci/app?tag=1.0"'],
    },
    'a repository with a scheme': {
      ...of('pkg:oci/app?repository_url=https://reg.example/app&tag=1.0'),
      reasons: [
        'malformed: subject.id has a repository_url that is not a repository’s name: "pkg:oci/app?repository_url=https://reg.example/app&tag=1.0"',
      ],
    },
    'a repository with a digest': {
      ...of('pkg:oci/app?repository_url=reg.example/app%40sha256&tag=1.0'),
      reasons: [
        'malformed: subject.id has a repository_url that is not a repository’s name: "pkg:oci/app?repository_url=reg.example/app%40sha256&tag=1.0"',
      ],
    },
    'no package URL': {
      ...of('reg.example/acme/app:1.0'),
      reasons: ['malformed: subject.id is not a package URL: "reg.example/acme/app:1.0"'],
    },
    'an odd escape': {
      ...of('pkg:oci/app?tag=%zz'),
      reasons: ['malformed: subject.id is not a package URL: "pkg:oci/app?tag=%zz"'],
    },
    'an odd tag': {
      ...of(`pkg:oci/app?${at}&tag=a%20b`),
      reasons: ['malformed: subject.id is not a tag: "a b"'],
    },
    'no context': {
      ...push({ context: undefined }),
      reasons: ['malformed: context must be an object, found nothing'],
    },
    'no type': {
      body: fixture('cdevents-wrapped', { 'data.context.type': null }),
      reasons: ['malformed: data.context.type must be a string, found null'],
    },
    'no id': { ...of(undefined), reasons: ['malformed: subject.id must be a string, found nothing'] },
    'no subject': {
      ...push({ subject: 'app' }),
      reasons: ['malformed: subject must be an object, found a string'],
    },
  },
};
