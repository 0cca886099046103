import { validRange } from 'semver';
import * as z from 'zod';
import { durationProblem, durationSeconds } from '../config/duration.ts';
import {
  distinct,
  duration,
  durationOrNever,
  hostPattern,
  httpUrl,
  secretName,
  shown,
  text,
  textLike,
} from '../config/fields.ts';
import { InvalidReferenceError, parseReference } from '../oci/reference.ts';
import { type GlobKind, globProblem } from '../policy/glob.ts';
import { isMetadataAddress } from '../registry/transport/addresses.ts';
import { addressRangeProblem } from '../webhooks/authenticity/allowed-address.ts';
import { findSource, sourceNames } from '../webhooks/sources/index.ts';
import { nearest } from './nearest.ts';
import { platform } from './rules/platform.ts';
import { requireSchema } from './rules/require.ts';
import { verifySchema } from './verification/schema.ts';

const dockerHubAliases = [
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
  'hub.docker.com',
];

/** For link-local addresses, in whichever key. */
const neverContacted =
  'is a link-local address, which belongs to metadata services and is never contacted; write the host’s name or its private address';

const registry = text({ what: 'a registry, as in references', example: 'docker.io' }, registryProblem);

/** What is wrong with the value of `registry`, and what to write; undefined if it is right. */
export function registryProblem(value: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value))
    return `${shown(value)} has a scheme; write only the host, and the address of its API under \`endpoint\``;
  if (dockerHubAliases.includes(value))
    return `${shown(value)} is Docker Hub, which references call docker.io; write docker.io`;
  if (value.includes('/'))
    return `${shown(value)} has a path; write only the host, and put the path in front of each \`match\``;
  if (value !== value.toLowerCase())
    return `${shown(value)} has upper case; write ${shown(value.toLowerCase())}`;
  if (value.length > 255 || !hostPattern.test(value))
    return `${shown(value)} is not a host with optional port; write, for example, docker.io or 127.0.0.1:5000`;
  // 999.1 and a.0 would be IPv4 addresses, which they are not: https://url.spec.whatwg.org/#ends-in-a-number-checker
  if (httpUrl(`https://${value}`) === undefined)
    return `${shown(value)} is neither the name of a host nor an address; write, for example, docker.io or 127.0.0.1:5000`;
  if (isMetadataAddress(new URL(`https://${value}`).hostname)) return `${shown(value)} ${neverContacted}`;
  return referenceProblem(value);
}

/** A registry's name in a reference must parse back to the same registry. */
function referenceProblem(value: string): string | undefined {
  try {
    if (parseReference(`${value}/a/b`).registry === value) return undefined;
    return `${shown(value)} at the start of a reference is a name on Docker Hub, not a registry; a registry has a dot or a port, or is localhost`;
  } catch (error) {
    if (error instanceof InvalidReferenceError) return error.reason;
    throw error;
  }
}

const endpoint = text({ what: 'a URL', example: 'https://registry.example.com' }, (value) => {
  const url = httpUrl(value);
  if (url === undefined)
    return `${shown(value)} is not a URL; write, for example, https://registry.example.com`;
  if (url.username !== '' || url.password !== '')
    return 'has a user name or a password; put them into a secret and name it under `credentials`';
  if (isMetadataAddress(url.hostname)) return `${shown(value)} ${neverContacted}`;
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    return `${shown(value)} has more than scheme and host; the API is always at /v2/, so write ${url.origin}`;
  return undefined;
});

/** A function has 780 s for a job, and needs time left for the copy. */
const longestTimeoutSeconds = 600;

const timeout = text({ what: 'a duration', example: '2m' }, (value) => {
  const problem = durationProblem(value);
  if (problem !== undefined || (durationSeconds(value) ?? 0) <= longestTimeoutSeconds) return problem;
  return `${shown(value)} is longer than a function can wait; write at most ${longestTimeoutSeconds / 60}m`;
});

const hostHelp = { what: 'a host with optional port', example: 'auth.docker.io' };
const authHost = text(hostHelp, (value) => {
  if (!hostPattern.test(value))
    return `${shown(value)} is not ${hostHelp.what}; write, for example, ${hostHelp.example}`;
  const { hostname } = URL.parse(`https://${value}`) ?? {};
  return hostname !== undefined && isMetadataAddress(hostname)
    ? `${shown(value)} ${neverContacted}`
    : undefined;
}).meta({ ...hostHelp, pattern: hostPattern.source });

const credentials = z
  .union([
    z.strictObject({
      secret: secretName('drayage/docker-hub'),
    }),
    z.strictObject({
      type: z.literal('ecr').meta({ what: 'ecr', example: 'ecr' }),
      roleArn: textLike(
        { what: 'the ARN of an IAM role', example: 'arn:aws:iam::111122223333:role/pull' },
        /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
      ),
    }),
  ])
  .meta({
    what: 'a mapping with secret, or with type: ecr and roleArn',
    example: '{ secret: drayage/docker-hub }',
  });

const source = text({ what: 'a webhook source', example: 'dockerhub' }, (value) => {
  if (findSource(value) !== undefined) return undefined;
  const meant = nearest(value, sourceNames);
  return `${shown(value)} is not a webhook source;${meant ? ` did you mean ${meant}?` : ''} Sources: ${sourceNames.join(', ')}`;
});

/** Ranges are compared one by one, for each delivery. */
const mostRanges = 100;

const webhook = z
  .strictObject({
    source,
    name: textLike(
      { what: 'a name of at most 63 lower-case letters, digits and -', example: 'hub' },
      /^[a-z0-9-]{1,63}$/,
    ).optional(),
    allow: z
      .union([
        z.literal('published'),
        distinct(text({ what: 'a range of addresses', example: '192.0.2.0/24' }, addressRangeProblem), {
          what: 'a list of ranges',
          example: '[192.0.2.0/24]',
        })
          .min(1)
          .max(mostRanges),
      ])
      .meta({
        what: `published, or a list of 1 to ${mostRanges} ranges of addresses`,
        example: '[192.0.2.0/24, "2001:db8::/32"]',
      })
      .optional(),
    options: z.record(z.string(), z.unknown()).default({}).meta({ what: 'a mapping', example: '{}' }),
  })
  .meta({ what: 'a mapping with source', example: '{ source: dockerhub }' });

function glob(kind: GlobKind, example: string) {
  return text({ what: `a pattern for ${kind === 'tag' ? 'tags' : 'repositories'}`, example }, (value) => {
    const problem = globProblem(value, kind);
    return problem === undefined ? undefined : `${shown(value)} ${problem}`;
  });
}

function rangeProblem(value: string): string | undefined {
  if (value.length <= 256 && validRange(value) !== null) return undefined;
  const unpadded = value.replace(/(?<![\w-])0+(?=\d)/g, '');
  if (unpadded !== value && validRange(unpadded) !== null)
    return `${shown(value)} has leading zeros, which semver does not accept; write ${shown(unpadded)}, which also matches padded tags`;
  return `${shown(value)} is not a semver range; write, for example, ">=1.25 <2" or "1.x"`;
}

/** Which tags a rule mirrors. */
export const tagsSchema = z
  .strictObject({
    include: distinct(glob('tag', '"1.*"'), { what: 'a list of patterns', example: '["1.*"]' })
      .min(1)
      .default(['*']),
    exclude: distinct(glob('tag', '"*-rc*"'), { what: 'a list of patterns', example: '["*-rc*"]' }).default(
      [],
    ),
    semver: text({ what: 'a semver range', example: '">=1.25"' }, rangeProblem).optional(),
    latest: z
      .int()
      .min(1)
      .max(10_000)
      .meta({ what: 'a whole number from 1 to 10000', example: '10' })
      .optional(),
  })
  .meta({
    what: 'a mapping with include, exclude, semver or latest',
    example: '{ include: ["1.*"] }',
    wrap: 'include',
  });

const retention = z
  .strictObject({
    keepNewest: z
      .int()
      .min(1)
      .max(100_000)
      .meta({ what: 'a whole number from 1 to 100000', example: '20' })
      .optional(),
    unmappedFor: duration('30d').optional(),
  })
  .refine(({ keepNewest, unmappedFor }) => keepNewest !== undefined || unmappedFor !== undefined, {
    message: 'is empty; write keepNewest, unmappedFor or both, or leave retention out to keep everything',
  })
  .meta({ what: 'a mapping with keepNewest or unmappedFor', example: '{ unmappedFor: 30d }' });

const rule = z
  .strictObject({
    match: glob('repository', 'library/nginx'),
    tags: tagsSchema.prefault({}),
    platforms: distinct(platform, { what: 'a list of platforms', example: '[linux/amd64, linux/arm64]' })
      .min(1)
      .optional(),
    referrers: z.boolean().default(true),
    verify: verifySchema.optional(),
    require: requireSchema.optional(),
    reconcile: durationOrNever('6h').default('24h'),
    deleted: z.enum(['keep', 'unmap']).default('keep').meta({ what: 'keep or unmap', example: 'keep' }),
    retention: retention.optional(),
  })
  .meta({ what: 'a mapping with match', example: '{ match: library/nginx }' });

/** An item of the key `upstreams`. */
export const upstreamSchema = z
  .strictObject({
    registry,
    endpoint: endpoint.optional(),
    authHosts: distinct(authHost, { what: 'a list of hosts', example: '[auth.docker.io]' }).default([]),
    redirectHosts: distinct(authHost, { what: 'a list of hosts', example: '[minio.internal]' }).default([]),
    timeout: timeout.optional(),
    credentials: credentials.optional(),
    webhook: webhook.optional(),
    webhooks: z
      .array(webhook)
      .default([])
      .meta({ what: 'a list of webhooks', example: '[{ source: github }, { source: generic, name: ci }]' }),
    repositories: z
      .array(rule)
      .default([])
      .meta({ what: 'a list of rules', example: '[{ match: library/nginx }]' }),
  })
  .meta({ what: 'a mapping with registry', example: '{ registry: docker.io }' });
