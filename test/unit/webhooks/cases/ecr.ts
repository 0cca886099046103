import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const push = (changes: Record<string, unknown> = {}) => ({ body: fixture('ecr-push', changes) });
const upstream = (registry: string, options = '') => `
  - registry: ${registry}
    webhook: { source: ecr, name: it${options} }
    repositories: [{ match: "**" }]`;
const own = 'the mirror’s own registry';

export const cases: SourceCases = {
  upstreams: upstream('444455556666.dkr.ecr.eu-west-1.amazonaws.com'),
  variants: {
    [own]: upstream('111122223333.dkr.ecr.eu-west-1.amazonaws.com'),
    'dual-stack': upstream('444455556666.dkr-ecr.eu-west-1.on.aws'),
    FIPS: upstream('444455556666.dkr.ecr-fips.us-east-1.amazonaws.com'),
    China: upstream('444455556666.dkr.ecr.cn-north-1.amazonaws.com.cn'),
    'another header': upstream(
      '444455556666.dkr.ecr.eu-west-1.amazonaws.com',
      ', options: { header: X-Key }',
    ),
  },
  accepted: {
    'a push': { ...push(), images: ['444455556666.dkr.ecr.eu-west-1.amazonaws.com/team/app:1.0'] },
    'a push without media types': {
      ...push({ 'detail.manifest-media-type': undefined, 'detail.artifact-media-type': undefined }),
      images: ['444455556666.dkr.ecr.eu-west-1.amazonaws.com/team/app:1.0'],
    },
    'a push in China': {
      ...push({ region: 'cn-north-1' }),
      variant: 'China',
      images: ['444455556666.dkr.ecr.cn-north-1.amazonaws.com.cn/team/app:1.0'],
    },
    'a push to a registry that is configured by its dual-stack name': {
      ...push(),
      variant: 'dual-stack',
      images: ['444455556666.dkr-ecr.eu-west-1.on.aws/team/app:1.0'],
    },
    'a push to a registry that is configured by its FIPS name': {
      ...push({ region: 'us-east-1' }),
      variant: 'FIPS',
      images: ['444455556666.dkr.ecr-fips.us-east-1.amazonaws.com/team/app:1.0'],
    },
    'another header': {
      ...push(),
      variant: 'another header',
      images: ['444455556666.dkr.ecr.eu-west-1.amazonaws.com/team/app:1.0'],
    },
    'a repository beside the mirror’s own': {
      ...push({ account: '111122223333' }),
      variant: own,
      images: ['111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/app:1.0'],
    },
  },
  deletions: {
    'a deleted tag': {
      ...push({ 'detail.action-type': 'DELETE' }),
      images: [
        '444455556666.dkr.ecr.eu-west-1.amazonaws.com/team/app:1.0@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      ],
    },
    'a deleted image without a tag': {
      ...push({ 'detail.action-type': 'DELETE', 'detail.image-tag': undefined }),
      images: [
        '444455556666.dkr.ecr.eu-west-1.amazonaws.com/team/app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      ],
    },
  },
  ignored: {
    'another region than that of the dual-stack name': {
      ...push({ region: 'eu-central-1' }),
      variant: 'dual-stack',
      reasons: [
        'other_registry: the event is from "444455556666.dkr.ecr.eu-central-1.amazonaws.com", and the webhook’s upstream is 444455556666.dkr-ecr.eu-west-1.on.aws',
      ],
    },
    'a copy in the mirror': {
      ...push({ account: '111122223333', 'detail.repository-name': 'mirror/docker.io/library/nginx' }),
      variant: own,
      reasons: ['own_mirror: the image is a copy in this mirror, which is not mirrored again'],
    },
    'a scan': {
      ...push({ 'detail-type': 'ECR Image Scan' }),
      reasons: ['not_a_push: detail-type is "ECR Image Scan"'],
    },
    'another service’s event': {
      ...push({ source: 'custom.ecr' }),
      reasons: ['not_a_push: source is "custom.ecr"'],
    },
    'a failure': { ...push({ 'detail.result': 'FAILURE' }), reasons: ['failed: detail.result is "FAILURE"'] },
    'no tag': {
      ...push({ 'detail.image-tag': undefined }),
      reasons: ['no_tag: detail.image-tag is missing or empty'],
    },
    'another media type': {
      ...push({ 'detail.manifest-media-type': 'application/vnd.docker.distribution.manifest.v1+json' }),
      reasons: [
        'not_an_image: detail.manifest-media-type is "application/vnd.docker.distribution.manifest.v1+json"',
      ],
    },
    'another region': {
      ...push({ region: 'eu-central-1' }),
      reasons: [
        'other_registry: the event is from "444455556666.dkr.ecr.eu-central-1.amazonaws.com", and the webhook’s upstream is 444455556666.dkr.ecr.eu-west-1.amazonaws.com',
      ],
    },
    'no source': {
      ...push({ source: undefined }),
      reasons: ['malformed: source must be a string, found nothing'],
    },
    'no detail': {
      ...push({ detail: [] }),
      reasons: ['malformed: detail must be an object, found an array'],
    },
    'an account that is a number': {
      ...push({ account: 444455556666 }),
      reasons: ['malformed: account must be a string, found a number'],
    },
    'no region': {
      ...push({ region: undefined }),
      reasons: ['malformed: region must be a string, found nothing'],
    },
    'no name': {
      ...push({ 'detail.repository-name': undefined }),
      reasons: ['malformed: detail.repository-name must be a string, found nothing'],
    },
    'a media type that is a number': {
      ...push({ 'detail.manifest-media-type': 1 }),
      reasons: ['malformed: detail.manifest-media-type must be a string, found a number'],
    },
    'a tag that is a list': {
      ...push({ 'detail.image-tag': ['1.0'] }),
      reasons: ['malformed: detail.image-tag must be a string, found an array'],
    },
  },
};
