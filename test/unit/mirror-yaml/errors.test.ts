import { describe, expect, it } from 'vitest';
import { findSource, sourceNames } from '../../../core/webhooks/sources/index.ts';
import { errorsOf, withUpstream } from './config-text.ts';

/** One error of a text: its place, its path, and what its message must say. */
type Expected = [place: string, path: string, message: RegExp];

function expectErrors(text: string, expected: Expected[]): void {
  const errors = errorsOf(text);
  expect(errors.map(({ line, column, path }) => [`${line}:${column}`, path])).toEqual(
    expected.map(([place, path]) => [place, path]),
  );
  for (const [index, [, , message]] of expected.entries()) expect(errors[index]?.message).toMatch(message);
}

const cases: [name: string, text: string, errors: Expected[]][] = [
  [
    'an empty file',
    '',
    [
      ['1:1', 'version', /is missing; .*version: 1/],
      ['1:1', 'mirror', /is missing; .*regions/],
    ],
  ],
  ['another type of file', '- 1\n', [['1:1', '', /must be a mapping with version and mirror, found a list/]]],
  [
    'a wrong version',
    'version: "1"\nmirror: { regions: [eu-west-1] }',
    [['1:10', 'version', /must be the number 1, found "1"/]],
  ],
  [
    'an unknown key',
    'version: 1\nmiror: {}\nmirror: { regions: [eu-west-1] }',
    [['2:1', 'miror', /unknown key "miror"; did you mean mirror\? known here: version, mirror, api/]],
  ],
  [
    'a key without a value',
    'version: 1\nmirror: { regions: [eu-west-1] }\nalarms:\n',
    [['3:8', 'alarms', /has no value; leave it out/]],
  ],
  [
    'no regions',
    'version: 1\nmirror:\n  regions: []',
    [['3:12', 'mirror.regions', /is empty; it must be a list of AWS regions/]],
  ],
  [
    'what is not a region, and one twice',
    'version: 1\nmirror:\n  regions:\n    - eu-west\n    - eu-west-1\n    - eu-west-1\n',
    [
      ['4:7', 'mirror.regions[0]', /"eu-west" is not an AWS region; write, for example, eu-west-1/],
      ['6:7', 'mirror.regions[2]', /in the list already/],
    ],
  ],
  [
    'an account id that YAML reads as a number',
    'version: 1\nmirror:\n  regions: [eu-west-1]\n  repository: { pullAccounts: [012345678901] }',
    [
      [
        '4:32',
        'mirror.repository.pullAccounts[0]',
        /found the number 012345678901; put it in quotes: "012345678901"/,
      ],
    ],
  ],
  [
    'a history without a unit',
    'version: 1\nmirror:\n  regions: [eu-west-1]\n  history: 30',
    [['4:12', 'mirror.history', /must be a duration, found the number 30; write, for example, 30d/]],
  ],
  ...['30 d', '1.5h', '-1d', 'P30D', '1y'].map((history): (typeof cases)[number] => [
    `the duration ${history}`,
    `version: 1\nmirror:\n  regions: [eu-west-1]\n  history: ${history}`,
    [['4:12', 'mirror.history', /is not a duration; write a whole number and a unit/]],
  ]),
  [
    'durations out of range',
    'version: 1\nmirror:\n  regions: [eu-west-1]\n  history: 0s\nalarms: { lag: 521w5d }\nnetwork: {}\napi: {}\nupstreams:\n  - { registry: ghcr.io, repositories: [{ match: a/b, reconcile: 3651d }] }',
    [
      ['4:12', 'mirror.history', /is zero/],
      ['5:16', 'alarms.lag', /is not a duration/],
      ['9:66', 'upstreams[0].repositories[0].reconcile', /too long; write at most 3650d/],
    ],
  ],
  [
    'wrong endpoints',
    `version: 1
mirror: { regions: [eu-west-1] }
notify:
  - { url: hooks.example.com, secret: a }
  - { url: "http://hooks.example.com/x", secret: a, name: plain }
  - { url: "https://user:pass@hooks.example.com", secret: a, name: login }
  - { url: "https://hooks.example.com/#x", secret: a, name: fragment }
  - { url: "http://169.254.169.254/latest", secret: a, name: metadata }
  - { url: "https://hooks.example.com/a", secret: "two words", events: [] }
  - { url: "https://hooks.example.com/b", events: [mirrored, deleted], name: Chat }
  - { url: "https://HOOKS.example.com/c", secret: a, event: [failed] }
  - { url: "https://d.example", secret: a, name: plain }
  - { url: "https://e.example", secret: a, events: [failed, failed] }
`,
    [
      ['4:12', 'notify[0].url', /"hooks.example.com" is not a URL; write, for example, https/],
      ['5:12', 'notify[1].url', /is not encrypted; write https/],
      ['6:12', 'notify[2].url', /^has a user name or a password/],
      ['7:12', 'notify[3].url', /has a fragment/],
      ['8:12', 'notify[4].url', /link-local address, where only metadata services are/],
      ['9:51', 'notify[5].secret', /"two words" is not the name or ARN of a secret/],
      ['9:72', 'notify[5].events', /is empty; it must be a list of events/],
      ['10:5', 'notify[6].secret', /is missing; add it, for example: secret: drayage\/notify-chat/],
      ['10:62', 'notify[6].events[1]', /must be mirrored, failed, removed, found "deleted"/],
      ['10:78', 'notify[6].name', /"Chat" is not a name of at most 63 lower-case letters/],
      ['11:12', 'notify[7].url', /the endpoint name "hooks-example-com" is already used in line 9/],
      ['11:54', 'notify[7].event', /unknown key "event"; did you mean events\?/],
      ['12:50', 'notify[8].name', /the endpoint name "plain" is already used in line 5/],
      ['13:61', 'notify[9].events[1]', /"failed" is in the list already; keep one of them/],
    ],
  ],
  [
    'what is not a list of endpoints',
    'version: 1\nmirror: { regions: [eu-west-1] }\nnotify: { url: "https://a.example", secret: a }',
    [['3:9', 'notify', /must be a list of at most 20 endpoints, found a mapping; write, for example, \[/]],
  ],
  [
    'more endpoints than rules fit on an event bus',
    `version: 1\nmirror: { regions: [eu-west-1] }\nnotify:\n${Array.from(
      { length: 21 },
      (_, index) => `  - { url: "https://h${index}.example", secret: a }\n`,
    ).join('')}`,
    [['4:3', 'notify', /has more than 20 items/]],
  ],
  [
    'wrong repository settings',
    `version: 1
mirror:
  regions: [eu-west-1]
  repositoryPrefix: /mirror
  repository:
    scanOnPush: yes
    encryption: { kmskey: alias/x }
    immutableTags: { except: ["a*b*c*"] }
    organizations: [acme]
`,
    [
      ['4:21', 'mirror.repositoryPrefix', /can't begin an ECR repository name/],
      ['6:17', 'mirror.repository.scanOnPush', /must be true or false, found "yes"/],
      [
        '7:17',
        'mirror.repository.encryption.kmsKey',
        /is missing; add it, for example: kmsKey: alias\/mirror/,
      ],
      ['7:19', 'mirror.repository.encryption.kmskey', /did you mean kmsKey/],
      ['8:31', 'mirror.repository.immutableTags.except[0]', /more than two \*/],
      ['9:21', 'mirror.repository.organizations[0]', /"acme" is not an organization ID/],
    ],
  ],
  [
    'tags that ECR would refuse',
    `version: 1
mirror:
  regions: [eu-west-1]
  repository:
    tags:
      team: 7
      aws:team: x
      "a#b": x
      env: "a#b"
`,
    [
      ['6:13', 'mirror.repository.tags.team', /must be text, found the number 7; put it in quotes: "7"/],
      ['7:7', 'mirror.repository.tags["aws:team"]', /begins with aws:/],
      ['8:7', 'mirror.repository.tags["a#b"]', /can’t be the key of a tag/],
      ['9:12', 'mirror.repository.tags.env', /can’t be the value of a tag/],
    ],
  ],
  [
    'neither of two forms',
    'version: 1\nmirror:\n  regions: [eu-west-1]\n  repository: { encryption: none, immutableTags: some }',
    [
      ['4:29', 'mirror.repository.encryption', /must be AES256 or a mapping with kmsKey, found "none"/],
      [
        '4:50',
        'mirror.repository.immutableTags',
        /must be true, false or a mapping with except, found "some"/,
      ],
    ],
  ],
  [
    'lifecycle rules that break the history',
    `version: 1
mirror:
  regions: [eu-west-1]
  history: 30d
  repository:
    lifecycle:
      - rulePriority: 1
        selection: { tagStatus: untagged, countType: sinceImagePushed, countUnit: days, countNumber: 29 }
        action: { type: expire }
      - rulePriority: 1
        selection: { tagStatus: any, countType: imageCountMoreThan, countNumber: 500 }
        action: { type: expire }
`,
    [
      [
        '8:102',
        'mirror.repository.lifecycle[0].selection.countNumber',
        /after 29 days, which is within the history \(30d\); write at least 30/,
      ],
      ['10:23', 'mirror.repository.lifecycle[1].rulePriority', /is also that of lifecycle\[0\]/],
      [
        '11:49',
        'mirror.repository.lifecycle[1].selection.countType',
        /may expire untagged images that are still within the history/,
      ],
    ],
  ],
  [
    'wrong api, alarms and network',
    `version: 1
mirror: { regions: [eu-west-1] }
api: { reads: tokens, domain: { name: mirror } }
alarms: { topic: alarms }
network: { vpc: default, proxy: "http://user:secret@proxy.example.com" }
`,
    [
      ['3:15', 'api.reads', /must be token, iam or none, found "tokens"/],
      ['3:31', 'api.domain.certificate', /is missing/],
      ['3:39', 'api.domain.name', /"mirror" is not a host name/],
      ['4:18', 'alarms.topic', /"alarms" is not the ARN of an SNS topic/],
      ['5:17', 'network.vpc', /"default" is not the ID of a VPC/],
      ['5:33', 'network.proxy', /^has a user name or a password/],
    ],
  ],
  [
    'lists of a VPC that are wrong',
    `version: 1
mirror: { regions: [eu-west-1] }
network:
  vpc: vpc-0123456789abcdef0
  subnets: [private, subnet-01234567, subnet-01234567]
  securityGroups: []
  routeTables: rtb-01234567
  endpoints: all
  noProxy: ["https://registry.internal"]
`,
    [
      ['5:13', 'network.subnets[0]', /"private" is not the ID of a subnet; write, for example, subnet-/],
      ['5:39', 'network.subnets[2]', /is in the list already/],
      ['6:19', 'network.securityGroups', /is empty; it must be a list of 1 to 5 IDs of security groups/],
      ['7:16', 'network.routeTables', /write a list: \["rtb-01234567"\]/],
      ['8:14', 'network.endpoints', /must be create or a list of services, found "all"/],
      ['9:13', 'network.noProxy[0]', /is not a host, which includes its subdomains/],
    ],
  ],
  [
    'hosts at link-local addresses',
    withUpstream(`  - registry: 169.254.169.254
    endpoint: http://169.254.169.254:80
    authHosts: [169.254.170.2]
    redirectHosts: [10.0.0.1, "[fd00:ec2::254]:80"]
`),
    [
      ['4:15', 'upstreams[0].registry', /is a link-local address, .* is never contacted/],
      ['5:15', 'upstreams[0].endpoint', /is a link-local address, .* is never contacted/],
      ['6:17', 'upstreams[0].authHosts[0]', /is a link-local address, .* is never contacted/],
      ['7:31', 'upstreams[0].redirectHosts[1]', /is a link-local address, .* is never contacted/],
    ],
  ],
  [
    'an endpoint that does not exist',
    'version: 1\nmirror: { regions: [eu-west-1] }\nnetwork: { vpc: vpc-01234567, endpoints: [sqs, logs] }\n',
    [['3:48', 'network.endpoints[1]', /must be ecr.api, ecr.dkr, sqs, .*found "logs"/]],
  ],
  [
    'keys that say nothing without a VPC or a proxy',
    'version: 1\nmirror: { regions: [eu-west-1] }\nnetwork: { subnets: [subnet-01234567], endpoints: create, noProxy: [a.internal] }\n',
    [
      ['3:21', 'network.subnets', /^is only used in a VPC; add vpc, or remove this key/],
      ['3:51', 'network.endpoints', /^is only used in a VPC/],
      ['3:68', 'network.noProxy', /^is only used with a proxy; add proxy/],
    ],
  ],
  [
    'an upstream without a registry',
    withUpstream('  - endpoint: https://ghcr.io'),
    [['4:5', 'upstreams[0].registry', /is missing; add it, for example: registry: docker.io/]],
  ],
  ...(
    [
      ['index.docker.io', /is Docker Hub, which references call docker.io; write docker.io/],
      ['registry-1.docker.io', /is Docker Hub, which references call docker.io; write docker.io/],
      ['https://ghcr.io', /has a scheme; write only the host/],
      ['ghcr.io/acme', /has a path; write only the host/],
      ['GHCR.io', /has upper case; write "ghcr.io"/],
      ['registry', /is a name on Docker Hub, not a registry/],
      ['"a b.example"', /is not a host with optional port/],
      ['"ghcr.io:"', /is not a host with optional port/],
    ] as const
  ).map(([registry, message]): (typeof cases)[number] => [
    `the registry ${registry}`,
    withUpstream(`  - registry: ${registry}`),
    [['4:15', 'upstreams[0].registry', message]],
  ]),
  [
    'two upstreams with one registry, two webhooks with one name',
    withUpstream(
      '  - registry: ghcr.io',
      '    webhook: { source: github, name: hooks }',
      '  - registry: ghcr.io',
      '  - registry: registry.example.com',
      '    webhook: { source: distribution, name: hooks }',
    ),
    [
      ['6:15', 'upstreams[1].registry', /is already configured in line 4/],
      ['8:44', 'upstreams[2].webhook.name', /"hooks" is already used in line 5/],
    ],
  ],
  [
    'a name that two webhooks of one upstream have',
    withUpstream(
      '  - registry: ghcr.io',
      '    webhook: { source: github }',
      '    webhooks:',
      '      - { source: generic, name: github }',
      '      - { source: cdevents, options: { nothing: 1 } }',
    ),
    [
      ['7:34', 'upstreams[0].webhooks[0].name', /"github" is already used in line 5/],
      ['8:40', 'upstreams[0].webhooks[1].options.nothing', /nothing/],
    ],
  ],
  [
    'two webhooks that are named after their source',
    withUpstream(
      '  - { registry: a.example, webhook: { source: distribution } }',
      '  - { registry: b.example, webhook: { source: distribution } }',
    ),
    [['5:37', 'upstreams[1].webhook.name', /"distribution" is already used in line 4/]],
  ],
  [
    'patterns without quotes',
    withUpstream('  - registry: docker.io', '    repositories:', '      - match: **/nginx'),
    [['6:16', 'upstreams[0].repositories[0].match', /put a pattern in quotes: "\*\*\/nginx"/]],
  ],
  [
    'tags as a text, or as a list',
    withUpstream(
      '  - registry: docker.io',
      '    repositories:',
      '      - { match: library/a, tags: latest }',
      '      - { match: library/b, tags: ["1.*", stable] }',
    ),
    [
      ['6:35', 'upstreams[0].repositories[0].tags', /write \{ include: \["latest"\] \}/],
      ['7:35', 'upstreams[0].repositories[1].tags', /write \{ include: \["1\.\*", "stable"\] \}/],
    ],
  ],
  [
    'a rule that an earlier one covers entirely',
    withUpstream(
      '  - registry: ghcr.io',
      '    repositories:',
      '      - match: acme/**',
      '      - match: acme/shop',
      '      - match: other/shop',
    ),
    [
      [
        '7:16',
        'upstreams[0].repositories[1].match',
        /is never reached: the rule in line 6 matches all of it \("acme\/\*\*"\)/,
      ],
    ],
  ],
  [
    'variables',
    `version: 1 # \${NOT_THIS}\nmirror: { regions: ["\${REGION}"] }`,
    [['2:22', '', /^YAML: \$\{REGION\} is not replaced/]],
  ],
  ['several documents', 'version: 1\n---\nversion: 1\n', [['2:1', '', /several documents; keep one/]]],
  [
    'a timeout that no function can wait',
    withUpstream('  - { registry: a.example, timeout: 1h }'),
    [['4:37', 'upstreams[0].timeout', /longer than a function can wait; write at most 10m/]],
  ],
  [
    'wrong endpoints and auth hosts',
    withUpstream(
      '  - { registry: a.example, endpoint: a.example }',
      '  - { registry: b.example, endpoint: "https://b.example/v2/" }',
      '  - { registry: c.example, endpoint: "https://u:p@c.example" }',
      '  - { registry: d.example, endpoint: "ftp://d.example" }',
      '  - { registry: e.example, authHosts: auth.example }',
      '  - { registry: f.example, authHosts: ["https://auth.example"] }',
    ),
    [
      ['4:38', 'upstreams[0].endpoint', /is not a URL/],
      ['5:38', 'upstreams[1].endpoint', /has more than scheme and host; .* write https:\/\/b.example/],
      ['6:38', 'upstreams[2].endpoint', /^has a user name or a password; put them into a secret/],
      ['7:38', 'upstreams[3].endpoint', /is not a URL/],
      ['8:39', 'upstreams[4].authHosts', /must be a list of hosts, found "auth.example"; write a list/],
      ['9:40', 'upstreams[5].authHosts[0]', /is not a host with optional port/],
    ],
  ],
  [
    'a role for a registry that is not ECR',
    withUpstream(
      '  - registry: ghcr.io',
      '    credentials: { type: ecr, roleArn: "arn:aws:iam::111122223333:role/pull" }',
    ),
    [
      [
        '5:18',
        'upstreams[0].credentials',
        /is of type ecr, but "ghcr.io" is not a private registry of Amazon/,
      ],
    ],
  ],
  [
    'credentials in other forms',
    withUpstream(
      '  - registry: a.example',
      '    credentials: { username: u, password: p }',
      '  - registry: b.example',
      '    credentials: { type: ecr }',
      '  - registry: c.example',
      '    credentials: drayage/hub',
      '  - registry: d.example',
      '    credentials: { type: gcr, roleArn: me }',
    ),
    [
      ['5:18', 'upstreams[0].credentials.secret', /is missing; add it, for example: secret: drayage/],
      ['5:20', 'upstreams[0].credentials.username', /unknown key/],
      ['5:33', 'upstreams[0].credentials.password', /unknown key/],
      ['7:18', 'upstreams[1].credentials.roleArn', /is missing; .*arn:aws:iam/],
      ['9:18', 'upstreams[2].credentials', /must be a mapping with secret, or with type: ecr and roleArn/],
      ['11:26', 'upstreams[3].credentials.type', /must be ecr, found "gcr"/],
      ['11:40', 'upstreams[3].credentials.roleArn', /"me" is not the ARN of an IAM role/],
    ],
  ],
  [
    'wrong webhooks',
    withUpstream(
      '  - { registry: a.example, webhook: { source: dockerhbu } }',
      '  - { registry: b.example, webhook: { name: Hub } }',
      '  - { registry: c.example, webhook: distribution }',
      '  - { registry: ghcr.io, webhook: { source: dockerhub } }',
      '  - { registry: d.example, webhook: { source: github, options: { secret: x } } }',
      '  - { registry: e.example, webhook: { source: distribution, options: { heder: X, host: "a b" } } }',
      '  - { registry: f.example, webhook: { source: distribution, name: f, options: [] } }',
    ),
    [
      [
        '4:47',
        'upstreams[0].webhook.source',
        /"dockerhbu" is not a webhook source; did you mean dockerhub\?/,
      ],
      ['5:37', 'upstreams[1].webhook.source', /is missing/],
      ['5:45', 'upstreams[1].webhook.name', /is not a name of at most 63 lower-case letters/],
      ['6:37', 'upstreams[2].webhook', /must be a mapping with source, found "distribution"/],
      [
        '7:45',
        'upstreams[3].webhook.source',
        /"dockerhub" reports events of docker.io, but this upstream is ghcr.io; write github/,
      ],
      ['8:66', 'upstreams[4].webhook.options.secret', /unknown key "secret"; there are no keys here/],
      ['9:72', 'upstreams[5].webhook.options.heder', /unknown key "heder"; did you mean header\?/],
      ['9:88', 'upstreams[5].webhook.options.host', /is not a host with optional port/],
      ['10:79', 'upstreams[6].webhook.options', /must be a mapping, found a list/],
    ],
  ],
  [
    'options of gar',
    withUpstream(
      '  - registry: us.pkg.dev',
      '    webhook: { source: gar, name: us, options: { email: push, jwks: "http://keys.example/" } }',
      '  - registry: eu.pkg.dev',
      '    webhook: { source: gar, name: eu, options: { email: p@p, issuer: "https://issuer.example" } }',
      '  - registry: asia.pkg.dev',
      '    webhook: { source: gar, name: asia, options: { email: p@p, jwks: "http://127.0.0.1:8080/" } }',
    ),
    [
      ['5:57', 'upstreams[0].webhook.options.email', /"push" is not the address of a service account/],
      ['5:69', 'upstreams[0].webhook.options.jwks', /"http:\/\/keys.example\/" is not an https URL/],
      ['7:48', 'upstreams[1].webhook.options.jwks', /is missing; another issuer has other keys/],
    ],
  ],
  [
    'gar without the address of the signer',
    withUpstream('  - registry: eu.pkg.dev', '    webhook: { source: gar }'),
    [
      [
        '5:14',
        'upstreams[0].webhook.options.email',
        /is missing; write the address of the service account that pushes, for example: email: push@/,
      ],
    ],
  ],
  [
    'wrong rules',
    withUpstream(
      '  - registry: ghcr.io',
      '    repositories:',
      '      - matches: acme/api',
      '      - match: acme/[ab]',
      '      - match: Acme/api',
      '      - match: acme/api:1.0',
      '      - match: /acme//api',
      '      - match: acme/***',
      '      - match: ghcr.io/acme/api',
      '      - { match: "**" }',
      '      - { match: "**" }',
    ),
    [
      ['6:9', 'upstreams[0].repositories[0].match', /is missing/],
      ['6:9', 'upstreams[0].repositories[0].matches', /did you mean match\?/],
      ['7:16', 'upstreams[0].repositories[1].match', /has "\[", which no repository name has/],
      ['8:16', 'upstreams[0].repositories[2].match', /lower case: acme\/api/],
      ['9:16', 'upstreams[0].repositories[3].match', /names a tag or a digest/],
      ['10:16', 'upstreams[0].repositories[4].match', /empty path component/],
      ['11:16', 'upstreams[0].repositories[5].match', /more than two \*/],
      ['12:16', 'upstreams[0].repositories[6].match', /begins with the registry; write "acme\/api"/],
      ['14:18', 'upstreams[0].repositories[8].match', /never reached: the rule in line 13/],
    ],
  ],
  [
    'Docker Hub names that match nothing',
    withUpstream('  - registry: docker.io', '    repositories: [{ match: nginx }, { match: "*" }]'),
    [
      ['5:29', 'upstreams[0].repositories[0].match', /matches nothing: .* write "library\/nginx"/],
      ['5:47', 'upstreams[0].repositories[1].match', /matches nothing: .* write "library\/\*"/],
    ],
  ],
  [
    'wrong tags, platforms and the rest of a rule',
    withUpstream(
      '  - registry: ghcr.io',
      '    repositories:',
      '      - match: acme/api',
      '        tags: { include: 1.10, exclude: ["-perl", "a b", 2], semver: latest, latest: 0 }',
      '        platforms: [linux, linux/amd64, linux/amd64]',
      '        referrers: 1',
      '        verify: { cosign: { keys: x } }',
      '        reconcile: sometimes',
      '        deleted: remove',
      '      - { match: acme/old, tags: { semver: ">=22.04 <24" } }',
      '      - { match: acme/web, tags: { include: [], latest: 1.5 }, platforms: [] }',
      '      - { match: acme/a, retention: {} }',
      '      - { match: acme/b, retention: { keepNewest: 0, unmappedFor: soon } }',
      '      - { match: acme/c, retention: 30d }',
    ),
    [
      [
        '7:26',
        'upstreams[0].repositories[0].tags.include',
        /found the number 1.10; write a list: \["1.10"\]/,
      ],
      ['7:42', 'upstreams[0].repositories[0].tags.exclude[0]', /no tag does; write "\*-perl"/],
      ['7:51', 'upstreams[0].repositories[0].tags.exclude[1]', /has " ", which no tag has/],
      ['7:58', 'upstreams[0].repositories[0].tags.exclude[2]', /found the number 2; put it in quotes: "2"/],
      ['7:70', 'upstreams[0].repositories[0].tags.semver', /"latest" is not a semver range/],
      [
        '7:86',
        'upstreams[0].repositories[0].tags.latest',
        /0 is too small; it must be a whole number from 1/,
      ],
      ['8:21', 'upstreams[0].repositories[0].platforms[0]', /needs both an os and an architecture/],
      ['8:41', 'upstreams[0].repositories[0].platforms[2]', /in the list already/],
      ['9:20', 'upstreams[0].repositories[0].referrers', /must be true or false, found the number 1/],
      ['10:27', 'upstreams[0].repositories[0].verify.cosign', /does not say who must have signed/],
      ['10:29', 'upstreams[0].repositories[0].verify.cosign.keys', /did you mean key\?/],
      ['11:20', 'upstreams[0].repositories[0].reconcile', /"sometimes" is not a duration/],
      ['12:18', 'upstreams[0].repositories[0].deleted', /must be keep or unmap, found "remove"/],
      ['13:44', 'upstreams[0].repositories[1].tags.semver', /has leading zeros, .* write ">=22.4 <24"/],
      ['14:45', 'upstreams[0].repositories[2].tags.include', /is empty/],
      ['14:57', 'upstreams[0].repositories[2].tags.latest', /must be a whole number from 1 to 10000/],
      ['14:75', 'upstreams[0].repositories[2].platforms', /is empty; it must be a list of platforms/],
      ['15:37', 'upstreams[0].repositories[3].retention', /is empty; write keepNewest, unmappedFor or both/],
      ['16:51', 'upstreams[0].repositories[4].retention.keepNewest', /0 is too small; .* from 1 to 100000/],
      ['16:67', 'upstreams[0].repositories[4].retention.unmappedFor', /"soon" is not a duration/],
      ['17:37', 'upstreams[0].repositories[5].retention', /must be a mapping with keepNewest or unmappedFor/],
    ],
  ],
];

describe('errors of a configuration', () => {
  it.each(cases)('%s', (_name, text, expected) => expectErrors(text, expected));

  it.each(['[!foo]', '@x', '[a-z]*'])('suggests quoting the pattern %s', (pattern) => {
    const lines = ['  - registry: docker.io', '    repositories:', `      - match: ${pattern}`];
    const [error] = errorsOf(withUpstream(...lines));
    expect(error).toMatchObject({ line: 6, message: expect.stringMatching(/put a pattern in quotes$/) });
  });

  it.each(sourceNames)('knows the source %s', (source) => {
    const registry = findSource(source)?.home ?? 'registry.example.com';
    const options = source === 'gar' ? ', options: { email: push@p.iam.gserviceaccount.com }' : '';
    const text = withUpstream(`  - { registry: ${registry}, webhook: { source: ${source}${options} } }`);
    expect(() => errorsOf(text)).toThrow('accepted');
  });

  it.each([
    '[[{"toString":null}]]',
    'version: { toString: null }',
    'upstreams: [{ registry: { valueOf: 1 } }]',
  ])('withstands mappings whose keys are those of every object: %s', (text) =>
    expect(errorsOf(text)).not.toEqual([]),
  );
});
