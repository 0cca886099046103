import fc from 'fast-check';
import { globCovers } from '../../../core/policy/glob.ts';

const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const duration = fc
  .tuple(fc.integer({ min: 1, max: 500 }), fc.constantFrom('s', 'm', 'h', 'd', 'w'))
  .map(([amount, unit]) => `${amount}${unit}`);

const keyless = {
  issuer: 'https://accounts.example',
  identity: { pattern: 'https://github.com/acme/*' },
};
const requirement = fc.constantFrom(
  { cosign: { key: 'cosign.pub' } },
  { cosign: { key: 'awskms:///alias/signing' } },
  { cosign: { keyless, trustedRoot: 'root.json' } },
  { keyless },
  { attestation: { type: 'slsaprovenance1', key: 'cosign.pub' } },
  {
    attestation: { type: 'https://x.example/y', keyless, where: { 'a.b': 'c', d: { pattern: 'e*' }, f: 1 } },
  },
);
const requirements = fc.array(requirement, { minLength: 1, maxLength: 3 });
const verification = fc.oneof(
  requirement,
  requirements,
  requirements.map((all) => ({ all })),
  requirements.map((any) => ({ any })),
);

const rule = (match: string) =>
  fc.record(
    {
      match: fc.constant(match),
      tags: fc.record(
        {
          include: fc.uniqueArray(fc.constantFrom('*', '1.*', 'v?.*', 'latest', '*-alpine'), {
            minLength: 1,
          }),
          exclude: fc.uniqueArray(fc.constantFrom('*-perl', 'sha-*')),
          semver: fc.constantFrom('>=1.25', '1.x || 2.x', '^3', '*'),
          latest: fc.integer({ min: 1, max: 10_000 }),
        },
        { requiredKeys: [] },
      ),
      platforms: fc.uniqueArray(
        fc.constantFrom(
          'linux/amd64',
          'linux/arm64',
          'linux/arm64/v8',
          'Linux/x86_64',
          'linux/arm/7',
          'windows/amd64',
        ),
        { minLength: 1 },
      ),
      referrers: fc.boolean(),
      verify: verification,
      reconcile: fc.oneof(duration, fc.constant('never')),
      deleted: fc.constantFrom('keep', 'unmap'),
      retention: fc.oneof(
        fc.record({ keepNewest: fc.integer({ min: 1, max: 100_000 }) }),
        fc.record({ unmappedFor: duration }),
        fc.record({ keepNewest: fc.integer({ min: 1, max: 100_000 }), unmappedFor: duration }),
      ),
    },
    { requiredKeys: ['match'] },
  );

const rules = fc
  .uniqueArray(
    fc.oneof(
      fc.tuple(name, name).map((parts) => parts.join('/')),
      fc.constantFrom('**', 'a/*', '*/**', 'team-?/**/x'),
    ),
    { maxLength: 4 },
  )
  // A rule that an earlier one covers entirely is refused.
  .map((matches) =>
    matches.filter((match, i) => !matches.slice(0, i).some((other) => globCovers(other, match))),
  )
  .chain((matches) => fc.tuple(...matches.map(rule)));

const options = fc.record(
  { header: fc.constantFrom('X-Secret', 'authorization'), host: fc.constantFrom('push.example', 'h:5000') },
  { requiredKeys: [] },
);

const upstream = (registry: string, index: number) =>
  fc.record(
    {
      registry: fc.constant(registry),
      endpoint: fc.constantFrom('http://127.0.0.1:5000', 'https://api.example/', 'https://api.example:443'),
      authHosts: fc.uniqueArray(fc.constantFrom('auth.docker.io', 'token.example:8443')),
      redirectHosts: fc.uniqueArray(fc.constantFrom('minio.internal', '10.0.0.5:9000')),
      timeout: fc.constantFrom('1s', '90s', '10m'),
      credentials: fc.constantFrom({ secret: 'drayage/hub' }, { secret: 'drayage/ghcr' }),
      webhook: fc.record(
        { source: fc.constant('distribution'), name: fc.constant(`hook-${index}`), options },
        { requiredKeys: ['source', 'name'] },
      ),
      repositories: rules,
    },
    { requiredKeys: ['registry'] },
  );

const repository = fc.record(
  {
    scanOnPush: fc.boolean(),
    encryption: fc.constantFrom('AES256', { kmsKey: 'alias/mirror' }),
    immutableTags: fc.constantFrom(true, false, { except: ['latest*'] }),
    pullAccounts: fc.uniqueArray(fc.constantFrom('111122223333', '012345678901')),
    organizations: fc.constantFrom([], ['o-a1b2c3d4e5']),
    tags: fc.constantFrom({}, { team: 'platform', 'a:b': '' }),
    lifecycle: fc.constantFrom(
      [],
      [
        {
          rulePriority: 1,
          selection: { tagStatus: 'tagged', countType: 'imageCountMoreThan', countNumber: 9 },
          action: { type: 'expire' },
        },
      ],
    ),
  },
  { requiredKeys: [] },
);

/** Any valid file, from the smallest to one with every key. */
export const arbitraryFile = fc.record(
  {
    version: fc.constant(1),
    mirror: fc.record(
      {
        regions: fc.constantFrom(['eu-west-1'], ['us-east-1', 'ap-southeast-2']),
        repositoryPrefix: fc.constantFrom('mirror', 'a/b', 'x.y-z'),
        repository,
        history: duration,
      },
      { requiredKeys: ['regions'] },
    ),
    api: fc.record(
      {
        reads: fc.constantFrom('token', 'iam', 'none'),
        domain: fc.constant({
          name: 'mirror.example',
          certificate: 'arn:aws:acm:eu-west-1:111122223333:certificate/1',
        }),
      },
      { requiredKeys: [] },
    ),
    alarms: fc.record(
      { topic: fc.constant('arn:aws:sns:eu-west-1:111122223333:alarms'), lag: duration },
      { requiredKeys: [] },
    ),
    network: fc.record(
      {
        vpc: fc.constant('vpc-01234567'),
        subnets: fc.constant(['subnet-01234567', 'subnet-89abcdef']),
        securityGroups: fc.constant(['sg-01234567']),
        routeTables: fc.constant(['rtb-01234567']),
        endpoints: fc.constantFrom('create', ['sqs', 'ecr.api']),
        caBundle: fc.constant('ca.pem'),
        proxy: fc.constant('http://proxy.example'),
        noProxy: fc.constant(['registry.internal', '10.0.0.1:5000']),
      },
      { requiredKeys: ['vpc', 'proxy'] },
    ),
    upstreams: fc
      .uniqueArray(fc.constantFrom('docker.io', 'ghcr.io', '127.0.0.1:5000', 'r.example', '[::1]:5000'))
      .chain((registries) => fc.tuple(...registries.map(upstream))),
  },
  { requiredKeys: ['version', 'mirror'] },
);
