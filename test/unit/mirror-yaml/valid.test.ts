import { describe, expect, it } from 'vitest';
import { configOf, withUpstream } from './config-text.ts';

describe('a valid configuration', () => {
  it('needs no more than version and regions', () => {
    expect(configOf('version: 1\nmirror: { regions: [eu-west-1] }')).toEqual({
      version: 1,
      mirror: {
        regions: ['eu-west-1'],
        repositoryPrefix: 'mirror',
        repository: {
          scanOnPush: true,
          encryption: { type: 'AES256' },
          immutableTags: false,
          pullAccounts: [],
          organizations: [],
          lifecycle: [],
        },
        historySeconds: 30 * 86_400,
      },
      api: { reads: 'token' },
      upstreams: [],
    });
  });

  it('fills in what an upstream and a rule leave out', () => {
    const config = configOf(
      withUpstream(
        '  - registry: docker.io',
        '    webhook: { source: dockerhub }',
        '    repositories: [{ match: library/nginx }]',
      ),
    );
    expect(config.upstreams).toEqual([
      {
        registry: 'docker.io',
        endpoint: 'https://registry-1.docker.io',
        authHosts: ['auth.docker.io'],
        redirectHosts: [],
        webhooks: [{ source: 'dockerhub', name: 'dockerhub', options: {} }],
        repositories: [
          {
            match: 'library/nginx',
            tags: { include: ['*'], exclude: [] },
            referrers: true,
            reconcileSeconds: 86_400,
            deleted: 'keep',
          },
        ],
      },
    ]);
  });

  it('names an endpoint after its host, and sends it everything', () => {
    const { notify } = configOf(`
version: 1
mirror: { regions: [eu-west-1] }
notify:
  - { url: "https://Hooks.example.com:8443/a?b=c", secret: drayage/notify }
  - { url: "http://127.0.0.1:8080", secret: drayage/notify }
  - { url: "http://[::1]:8080/", secret: drayage/notify }
  - { url: "http://10.0.0.7/", secret: drayage/notify, events: [removed, mirrored] }
  - url: https://hooks.example.com
    name: chat
    secret: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:chat-a1b2c3"
`);
    const all = ['mirrored', 'failed', 'removed'];
    const secret = 'drayage/notify';
    expect(notify).toEqual([
      { name: 'hooks-example-com-8443', url: 'https://hooks.example.com:8443/a?b=c', secret, events: all },
      { name: '127-0-0-1-8080', url: 'http://127.0.0.1:8080/', secret, events: all },
      { name: '1-8080', url: 'http://[::1]:8080/', secret, events: all },
      { name: '10-0-0-7', url: 'http://10.0.0.7/', secret, events: ['mirrored', 'removed'] },
      {
        name: 'chat',
        url: 'https://hooks.example.com/',
        secret: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:chat-a1b2c3',
        events: all,
      },
    ]);
    expect(configOf('version: 1\nmirror: { regions: [eu-west-1] }\nnotify: []')).not.toHaveProperty('notify');
  });

  it('keeps everything that is written', () => {
    const config = configOf(`
version: 1
mirror:
  regions: [eu-west-1, us-gov-east-1, eusc-de-east-1]
  repositoryPrefix: team/mirror
  repository:
    scanOnPush: false
    encryption: { kmsKey: alias/mirror }
    immutableTags: { except: ["latest*", "*-dev"] }
    pullAccounts: ["012345678901"]
    organizations: [o-a1b2c3d4e5]
    tags: { team: platform, "cost-center": "0012" }
    lifecycle:
      - rulePriority: 1
        description: old builds
        selection: { tagStatus: tagged, tagPatternList: ["pr-*"], countType: sinceImagePushed, countUnit: days, countNumber: 3 }
        action: { type: expire }
  history: 2w
api:
  reads: iam
  domain: { name: mirror.example.com, certificate: "arn:aws:acm:eu-west-1:111122223333:certificate/1234-abcd" }
alarms: { topic: "arn:aws-cn:sns:cn-north-1:111122223333:alarms", lag: 90s }
network:
  vpc: vpc-0123456789abcdef0
  subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
  securityGroups: [sg-0123456789abcdef0]
  routeTables: [rtb-0123456789abcdef0]
  endpoints: [sqs, s3]
  caBundle: certificates.pem
  proxy: "http://proxy.example.com:3128"
  noProxy: [registry.internal, "10.0.0.5:9000"]
upstreams:
  - registry: 127.0.0.1:5000
    endpoint: http://127.0.0.1:5000/
    authHosts: [auth.example.com, "auth.example.com:8443"]
    redirectHosts: [minio.internal, "10.0.0.5:9000"]
    timeout: 2m
    credentials: { secret: drayage/registry }
    webhook: { source: distribution, name: own-1, options: { header: X-Secret, host: "registry.example.com:5000" } }
    repositories:
      - match: "acme/**"
        tags: { include: ["1.*", latest], exclude: ["*-perl"], semver: ">=1.25 <2", latest: 10 }
        platforms: [linux/amd64, Linux/aarch64, linux/arm64]
        referrers: false
        verify: { cosign: { key: cosign.pub } }
        reconcile: never
        deleted: unmap
        retention: { unmappedFor: 30d }
  - registry: 111122223333.dkr.ecr.eu-west-1.amazonaws.com
    credentials: { type: ecr, roleArn: "arn:aws:iam::111122223333:role/ci/pull" }
`);
    expect(config.mirror).toMatchObject({
      regions: ['eu-west-1', 'us-gov-east-1', 'eusc-de-east-1'],
      repositoryPrefix: 'team/mirror',
      historySeconds: 14 * 86_400,
      repository: {
        scanOnPush: false,
        encryption: { type: 'KMS', kmsKey: 'alias/mirror' },
        immutableTags: { except: ['latest*', '*-dev'] },
        pullAccounts: ['012345678901'],
        organizations: ['o-a1b2c3d4e5'],
        tags: { team: 'platform', 'cost-center': '0012' },
        lifecycle: [
          {
            rulePriority: 1,
            description: 'old builds',
            selection: { tagPatternList: ['pr-*'], countUnit: 'days', countNumber: 3 },
          },
        ],
      },
    });
    expect(config.api).toEqual({
      reads: 'iam',
      domain: {
        name: 'mirror.example.com',
        certificate: 'arn:aws:acm:eu-west-1:111122223333:certificate/1234-abcd',
      },
    });
    expect(config.alarms).toEqual({
      topic: 'arn:aws-cn:sns:cn-north-1:111122223333:alarms',
      lagSeconds: 90,
    });
    expect(config.network).toEqual({
      vpc: 'vpc-0123456789abcdef0',
      subnets: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
      securityGroups: ['sg-0123456789abcdef0'],
      routeTables: ['rtb-0123456789abcdef0'],
      endpoints: ['sqs', 's3'],
      caBundle: 'certificates.pem',
      proxy: 'http://proxy.example.com:3128',
      noProxy: ['registry.internal', '10.0.0.5:9000'],
    });
    expect(config.upstreams).toEqual([
      {
        registry: '127.0.0.1:5000',
        endpoint: 'http://127.0.0.1:5000',
        authHosts: ['auth.example.com', 'auth.example.com:8443'],
        redirectHosts: ['minio.internal', '10.0.0.5:9000'],
        timeoutSeconds: 120,
        credentials: { secret: 'drayage/registry' },
        webhooks: [
          {
            source: 'distribution',
            name: 'own-1',
            options: { header: 'X-Secret', host: 'registry.example.com:5000' },
          },
        ],
        repositories: [
          {
            match: 'acme/**',
            tags: { include: ['1.*', 'latest'], exclude: ['*-perl'], semver: '>=1.25 <2', latest: 10 },
            platforms: ['linux/amd64', 'linux/arm64'],
            referrers: false,
            verify: {
              match: 'any',
              requirements: [{ kind: 'signature', authority: { kind: 'key', file: 'cosign.pub' } }],
            },
            deleted: 'unmap',
            retention: { keepNewest: 0, unmappedForSeconds: 30 * 86_400 },
          },
        ],
      },
      {
        registry: '111122223333.dkr.ecr.eu-west-1.amazonaws.com',
        endpoint: 'https://111122223333.dkr.ecr.eu-west-1.amazonaws.com',
        authHosts: [],
        redirectHosts: [],
        credentials: { type: 'ecr', roleArn: 'arn:aws:iam::111122223333:role/ci/pull' },
        webhooks: [],
        repositories: [],
      },
    ]);
  });

  it('reaches a loopback registry through https unless http is written', () => {
    const [upstream] = configOf(withUpstream('  - registry: 127.0.0.1:5000')).upstreams;
    expect(upstream?.endpoint).toBe('https://127.0.0.1:5000');
  });

  it.each(['ghcr.io', 'localhost', 'localhost:5000', '127.0.0.1:5000', '"[::1]:5000"', 'a-b.example:443'])(
    'takes the registry %s',
    (registry) => {
      const [upstream] = configOf(withUpstream(`  - registry: ${registry}`)).upstreams;
      expect(upstream?.registry).toBe(registry.replaceAll('"', ''));
    },
  );

  it('allows a sender like Docker Hub and a GitHub server under a registry of one’s own', () => {
    const config = configOf(
      withUpstream(
        '  - { registry: "127.0.0.1:5000", webhook: { source: dockerhub } }',
        '  - { registry: containers.ghe.example, webhook: { source: github } }',
      ),
    );
    expect(config.upstreams.map(({ webhooks }) => webhooks[0]?.name)).toEqual(['dockerhub', 'github']);
  });

  it('accepts several webhooks for one registry: the single one, then those of the list', () => {
    const [upstream] = configOf(
      withUpstream(
        '  - registry: ghcr.io',
        '    webhook: { source: github }',
        '    webhooks: [{ source: generic, name: ci }, { source: cdevents }]',
      ),
    ).upstreams;
    expect(upstream?.webhooks).toMatchObject([
      { source: 'github', name: 'github' },
      { source: 'generic', name: 'ci' },
      { source: 'cdevents', name: 'cdevents' },
    ]);
  });

  it.each([
    ['30d', 2_592_000],
    ['6h', 21_600],
    ['15m', 900],
    ['1s', 1],
    ['3650d', 315_360_000],
  ])('reads the duration %s', (written, seconds) => {
    const config = configOf(
      withUpstream(`  - { registry: ghcr.io, repositories: [{ match: a/b, reconcile: ${written} }] }`),
    );
    expect(config.upstreams[0]?.repositories[0]?.reconcileSeconds).toBe(seconds);
  });

  it.each([
    'selection: { tagStatus: untagged, countType: sinceImagePushed, countUnit: days, countNumber: 30 }',
    'selection: { tagStatus: tagged, countType: imageCountMoreThan, countNumber: 1 }',
  ])('accepts a lifecycle rule that keeps the history: %s', (selection) => {
    const rule = `{ rulePriority: 1, ${selection}, action: { type: expire } }`;
    const config = configOf(
      `version: 1\nmirror: { regions: [eu-west-1], history: 30d, repository: { lifecycle: [${rule}] } }`,
    );
    expect(config.mirror.repository.lifecycle).toHaveLength(1);
  });

  it('resolves anchors and aliases', () => {
    const config = configOf(
      withUpstream(
        '  - registry: ghcr.io',
        '    repositories:',
        '      - { match: a/b, tags: &released { include: ["1.*"] } }',
        '      - { match: a/c, tags: *released }',
      ),
    );
    expect(config.upstreams[0]?.repositories[1]?.tags.include).toEqual(['1.*']);
  });
});
