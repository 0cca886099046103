import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const event = (type: string) => ({
  'ce-specversion': '1.0',
  'ce-id': '2f4d9a1e-0c5b-4c57-8e0b-3e6a1b1f0f5d',
  'ce-source': 'zotregistry.dev',
  'ce-type': type,
});
const push = (changes: Record<string, unknown> = {}) => ({
  body: fixture('zot-image', changes),
  headers: event('zotregistry.image.updated'),
});
const structured = (changes: Record<string, unknown> = {}) => ({ body: fixture('zot-structured', changes) });
const digest = `sha256:${'0'.repeat(64)}`;
const images = ['zot.example/team/app:1.0'];

export const cases: SourceCases = {
  upstreams: `
  - registry: zot.example
    webhook: { source: zot, name: it }
    repositories: [{ match: "team/*" }]`,
  variants: {
    'another header': `
  - registry: zot.example
    webhook: { source: zot, name: it, options: { header: X-Drayage } }
    repositories: [{ match: "team/*" }]`,
  },
  accepted: {
    'a push': { ...push(), images },
    'a structured event': { ...structured(), images },
    'a prefix chosen by the operator': {
      ...push(),
      headers: event('com.example.registry.image.updated'),
      images,
    },
    'another header': { ...push(), variant: 'another header', images },
  },
  deletions: {
    'a deleted tag': {
      ...push(),
      headers: event('zotregistry.image.deleted'),
      images: [
        'zot.example/team/app:1.0@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      ],
    },
    'a deleted manifest': {
      ...push({ reference: digest, digest: '', mediaType: undefined }),
      headers: event('zotregistry.image.deleted'),
      images: [`zot.example/team/app@${digest}`],
    },
  },
  ignored: {
    'a deletion that names nothing': {
      body: { name: 'team/app', reference: '' },
      headers: event('zotregistry.image.deleted'),
      reasons: ['no_tag: reference is missing or empty, and so is the digest'],
    },
    'a deletion without a name': {
      body: { reference: '1' },
      headers: event('zotregistry.image.deleted'),
      reasons: ['malformed: name must be a string, found nothing'],
    },
    'a new repository': {
      body: { name: 'team/app' },
      headers: event('zotregistry.repository.created'),
      reasons: ['not_a_push: the event is "zotregistry.repository.created"'],
    },
    'a push by digest': { ...push({ reference: digest }), reasons: ['no_tag: reference is a digest'] },
    'an empty reference': {
      ...structured({ 'data.reference': '' }),
      reasons: ['no_tag: data.reference is empty'],
    },
    'another media type': {
      ...push({ mediaType: 'application/octet-stream' }),
      reasons: ['not_an_image: mediaType is "application/octet-stream"'],
    },
    'no type': {
      body: push().body,
      reasons: ['malformed: neither the header Ce-Type nor the field type says what the event is'],
    },
    'no data': {
      ...structured({ data: undefined }),
      reasons: ['malformed: data must be an object, found nothing'],
    },
    'no name': { ...push({ name: null }), reasons: ['malformed: name must be a string, found null'] },
    'no reference': {
      ...push({ reference: undefined }),
      reasons: ['malformed: reference must be a string, found nothing'],
    },
    'no media type': {
      ...structured({ 'data.mediaType': undefined }),
      reasons: ['malformed: data.mediaType must be a string, found nothing'],
    },
    'an odd reference': {
      ...push({ reference: 'a b' }),
      reasons: ['malformed: reference is not a tag: "a b"'],
    },
  },
};
