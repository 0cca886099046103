import { describe, expect, it } from 'vitest';
import { type IamRequest, isAllowed } from '../support/iam/evaluate.ts';
import { deploy } from '../support/iam/template-policies.ts';
import { mirrorTemplate } from './mirror-template.ts';

const template = mirrorTemplate(`
version: 1
mirror: { regions: [eu-west-1], repositoryPrefix: mirror, repository: { tags: { team: platform } } }
notify: [{ url: "https://hooks.example.com/", secret: drayage/notify }]
upstreams:
  - registry: docker.io
    credentials: { secret: drayage/docker-hub }
    webhook: { source: dockerhub }
    repositories: [{ match: library/nginx, retention: { keepNewest: 3 }, require: { scan: { block: CRITICAL } } }]
  - registry: 444455556666.dkr.ecr.us-east-1.amazonaws.com
    webhook: { source: ecr }
    credentials: { type: ecr, roleArn: "arn:aws:iam::444455556666:role/pull" }
    repositories: [{ match: "team/*" }]
`);
const deployed = deploy(template);
const all = [...deployed.functions.keys()];
const except = (...names: string[]) => all.filter((name) => !names.includes(name));

const here = (service: string, resource: string) => `arn:aws:${service}:eu-west-1:111122223333:${resource}`;
const repository = (name: string) => here('ecr', `repository/${name}`);
const arns = (type: string) => [...deployed.arns(type).values()];
const [table = ''] = arns('AWS::DynamoDB::Table');
const [bucket = ''] = arns('AWS::S3::Bucket');
const queues = arns('AWS::SQS::Queue');
const queue = (part: RegExp) => queues.filter((arn) => part.test(arn));
const secrets = arns('AWS::SecretsManager::Secret');

const readImages = ['BatchGetImage', 'GetDownloadUrlForLayer'];
const writeImages = ['PutImage', 'InitiateLayerUpload', 'UploadLayerPart', 'CompleteLayerUpload'];
const changeRepositories = [
  'CreateRepository',
  'SetRepositoryPolicy',
  'PutLifecyclePolicy',
  'PutImageTagMutability',
  'TagResource',
];
const onItems = ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem'];

/** Requests that no policy may allow, as lists whose products are taken. */
interface Refusal {
  because: string;
  of: string[];
  service: string;
  actions: string[];
  resources: string[];
  context?: IamRequest['context'];
}

const refusals: Refusal[] = [
  {
    because: 'repositories outside the prefix belong to others',
    of: all,
    service: 'ecr',
    actions: [...readImages, ...writeImages, ...changeRepositories, 'BatchDeleteImage', 'DescribeImages'],
    resources: [
      repository('team/app'),
      repository('mirror'),
      repository('mirrors/app'),
      repository('other/mirror/app'),
      'arn:aws:ecr:us-east-1:111122223333:repository/mirror/app',
      'arn:aws:ecr:eu-west-1:444455556666:repository/mirror/app',
    ],
  },
  {
    because: 'only the retention function deletes images, and none deletes repositories',
    of: except('retention'),
    service: 'ecr',
    actions: ['BatchDeleteImage', 'DeleteRepository'],
    resources: [repository('mirror/docker.io/library/nginx')],
  },
  {
    because: 'nothing deletes repositories or removes tags of resources',
    of: all,
    service: 'ecr',
    actions: ['DeleteRepository', 'UntagResource', 'ReplicateImage'],
    resources: [repository('mirror/docker.io/library/nginx')],
  },
  {
    because: 'the settings of the registry are the team’s',
    of: all,
    service: 'ecr',
    actions: ['PutRegistryPolicy', 'PutRegistryScanningConfiguration', 'PutReplicationConfiguration'],
    resources: ['*'],
  },
  {
    because: 'only those that copy may log in to the registry',
    of: except('mirror', 'layer'),
    service: 'ecr',
    actions: ['GetAuthorizationToken'],
    resources: ['*'],
  },
  {
    because: 'only the mirror function puts images, and only copiers upload',
    of: except('mirror', 'layer'),
    service: 'ecr',
    actions: [...writeImages, 'GetDownloadUrlForLayer', 'CreateRepository'],
    resources: [repository('mirror/docker.io/library/nginx')],
  },
  {
    because: 'the layer function knows no image',
    of: ['layer'],
    service: 'ecr',
    actions: ['PutImage', 'BatchGetImage', 'DescribeImages', 'SetRepositoryPolicy'],
    resources: [repository('mirror/docker.io/library/nginx')],
  },
  {
    because: 'these functions do nothing in the registry',
    of: ['webhook', 'schedule', 'snapshot', 'notify', 'blob-mounting'],
    service: 'ecr',
    actions: ['DescribeImages', 'BatchGetImage', 'DescribeRepositories', 'ListImages'],
    resources: [repository('mirror/docker.io/library/nginx')],
  },
  {
    because: 'other tables belong to others',
    of: all,
    service: 'dynamodb',
    actions: [...onItems, 'Query'],
    resources: [here('dynamodb', 'table/other'), `${table}-copy`, table.replace('eu-west-1', 'us-east-1')],
    context: { 'dynamodb:LeadingKeys': ['repo#docker.io/library/nginx'] },
  },
  {
    because: 'no function reads the whole table, or changes it',
    of: all,
    service: 'dynamodb',
    actions: [
      'Scan',
      'DeleteTable',
      'UpdateTable',
      'UpdateTimeToLive',
      'CreateBackup',
      'UpdateContinuousBackups',
    ],
    resources: [table],
  },
  {
    because: 'the webhook function accepts requests from the internet',
    of: ['webhook'],
    service: 'dynamodb',
    actions: ['GetItem', 'PutItem', 'DeleteItem', 'Query', 'BatchGetItem'],
    resources: [table],
    context: { 'dynamodb:LeadingKeys': ['repo#docker.io/library/nginx'] },
  },
  ...[
    'upstream#docker.io',
    'retention',
    'registries',
    'repos',
    'snapshot',
    'history#docker.io/a:1',
    'carried#a',
  ].map((key) => ({
    because: `the webhook function has nothing to do with ${key}`,
    of: ['webhook'],
    service: 'dynamodb',
    actions: onItems,
    resources: [table],
    context: { 'dynamodb:LeadingKeys': [key] },
  })),
  {
    because: 'the webhook function counts events, and changes no mapping',
    of: ['webhook'],
    service: 'dynamodb',
    actions: ['UpdateItem'],
    resources: [table],
    context: {
      'dynamodb:LeadingKeys': ['repo#docker.io/library/nginx'],
      'dynamodb:Attributes': ['pk', 'sk', 'events', 'mapping'],
    },
  },
  {
    because: 'the webhook function does not learn the mapping from an update',
    of: ['webhook'],
    service: 'dynamodb',
    actions: ['UpdateItem'],
    resources: [table],
    context: {
      'dynamodb:LeadingKeys': ['repo#docker.io/library/nginx'],
      'dynamodb:Attributes': ['pk', 'sk', 'events'],
      'dynamodb:ReturnValues': 'ALL_NEW',
    },
  },
  ...['webhooks', 'jobs#2026-12#0', 'upstream#docker.io', 'parked#0'].map((key) => ({
    because: `${key} is not for functions that only look at mappings`,
    of: ['snapshot', 'retention'],
    service: 'dynamodb',
    actions: [...onItems, 'Query'],
    resources: [table],
    context: { 'dynamodb:LeadingKeys': [key] },
  })),
  {
    because: 'one item that is not its own spoils the batch',
    of: ['snapshot'],
    service: 'dynamodb',
    actions: ['BatchGetItem'],
    resources: [table],
    context: { 'dynamodb:LeadingKeys': ['repos', 'webhooks'] },
  },
  {
    because: 'the snapshot function only reads the table',
    of: ['snapshot'],
    service: 'dynamodb',
    actions: ['PutItem', 'UpdateItem', 'DeleteItem'],
    resources: [table],
    context: { 'dynamodb:LeadingKeys': ['snapshot'] },
  },
  {
    because: 'these functions have no table',
    of: ['notify', 'blob-mounting'],
    service: 'dynamodb',
    actions: [...onItems, 'Query'],
    resources: [table],
    context: { 'dynamodb:LeadingKeys': ['repos'] },
  },
  {
    because: 'other queues belong to others',
    of: all,
    service: 'sqs',
    actions: ['SendMessage', 'ReceiveMessage', 'DeleteMessage'],
    resources: [
      here('sqs', 'other'),
      `${queues[0]}x`,
      queues[0]?.replace('111122223333', '444455556666') ?? '',
    ],
  },
  {
    because: 'no function empties, deletes or changes a queue',
    of: all,
    service: 'sqs',
    actions: ['PurgeQueue', 'DeleteQueue', 'SetQueueAttributes', 'AddPermission'],
    resources: queues,
  },
  {
    because: 'only EventBridge sends to these queues',
    of: all,
    service: 'sqs',
    actions: ['SendMessage'],
    resources: [...queue(/RegistryEventsQueue/), ...queue(/NotificationsQueue/)],
  },
  {
    because: 'each queue has its own reader',
    of: ['webhook', 'api', 'snapshot', 'reconcile', 'blob-mounting'],
    service: 'sqs',
    actions: ['ReceiveMessage', 'DeleteMessage'],
    resources: queues,
  },
  {
    because: 'only the schedule reads dead letters',
    of: except('schedule'),
    service: 'sqs',
    actions: ['ReceiveMessage', 'DeleteMessage'],
    resources: queue(/DeadLetters/),
  },
  {
    because: 'other buckets belong to others',
    of: all,
    service: 's3',
    actions: ['GetObject', 'PutObject'],
    resources: ['arn:aws:s3:::other/snapshot.json.gz', `${bucket}-2/snapshot.json.gz`],
  },
  {
    because: 'objects expire; no function deletes them, and only two have any',
    of: all,
    service: 's3',
    actions: ['DeleteObject', 'PutObjectAcl'],
    resources: [`${bucket}/snapshot.json.gz`, `${bucket}/exports/x`],
  },
  {
    because: 'only the snapshot function replaces the snapshot',
    of: except('snapshot'),
    service: 's3',
    actions: ['PutObject'],
    resources: [`${bucket}/snapshot.json.gz`],
  },
  {
    because: 'only the API serves the bucket',
    of: except('snapshot', 'api'),
    service: 's3',
    actions: ['GetObject', 'PutObject'],
    resources: [`${bucket}/snapshot.json.gz`, `${bucket}/exports/x`],
  },
  {
    because: 'no function changes the bucket',
    of: all,
    service: 's3',
    actions: ['PutBucketPolicy', 'DeleteBucket', 'PutEncryptionConfiguration'],
    resources: [bucket],
  },
  {
    because: 'other secrets belong to others',
    of: all,
    service: 'secretsmanager',
    actions: ['GetSecretValue', 'PutSecretValue'],
    resources: [
      here('secretsmanager', 'secret:production/database-AbCdEf'),
      here('secretsmanager', 'secret:drayage/docker-hub-admin-AbCdEf'),
    ],
  },
  {
    because: 'no function changes or deletes a secret',
    of: all,
    service: 'secretsmanager',
    actions: ['PutSecretValue', 'UpdateSecret', 'DeleteSecret', 'PutResourcePolicy'],
    resources: secrets,
  },
  {
    because: 'the roots of webhook secrets and tokens are for the webhook and the API function',
    of: except('webhook', 'api'),
    service: 'secretsmanager',
    actions: ['GetSecretValue'],
    resources: secrets,
  },
  {
    because: 'the webhook function must not make API tokens',
    of: ['webhook'],
    service: 'secretsmanager',
    actions: ['GetSecretValue'],
    resources: secrets.filter((arn) => arn.includes('SecretsApi')),
  },
  {
    because: 'upstream credentials are for those that ask upstreams',
    of: ['webhook', 'api', 'schedule', 'snapshot', 'notify', 'registry-events', 'retention'],
    service: 'secretsmanager',
    actions: ['GetSecretValue'],
    resources: [here('secretsmanager', 'secret:drayage/docker-hub-AbCdEf')],
  },
  {
    because: 'other roles are for others',
    of: all,
    service: 'sts',
    actions: ['AssumeRole'],
    resources: ['arn:aws:iam::444455556666:role/admin', 'arn:aws:iam::111122223333:role/pull'],
  },
  {
    because: 'events of others can’t be made up',
    of: all,
    service: 'events',
    actions: ['PutEvents'],
    resources: [here('events', 'event-bus/default')],
    context: { 'events:source': 'aws.ecr' },
  },
  {
    because: 'each function writes its own log',
    of: all,
    service: 'logs',
    actions: ['PutLogEvents', 'DeleteLogStream'],
    resources: [here('logs', 'log-group:/aws/lambda/other:log-stream:one')],
  },
  {
    because: 'no function reaches for the account',
    of: all,
    service: 'iam',
    actions: ['PassRole', 'PutRolePolicy', 'AttachRolePolicy'],
    resources: ['arn:aws:iam::111122223333:role/admin'],
  },
  {
    because: 'no function calls or changes another',
    of: all,
    service: 'lambda',
    actions: ['InvokeFunction', 'UpdateFunctionCode', 'AddPermission'],
    resources: arns('AWS::Lambda::Function').slice(0, 3),
  },
];

describe('what IAM refuses', () => {
  let evaluated = 0;

  it.each(refusals)('$because', async ({ of, service, actions, resources, context }) => {
    expect(Math.min(of.length, actions.length, resources.length)).toBeGreaterThan(0);
    const allowed: string[] = [];
    for (const name of of)
      for (const action of actions)
        for (const resource of resources) {
          evaluated += 1;
          const request = { action: `${service}:${action}`, resource, ...(context && { context }) };
          if (await isAllowed(deployed, name, request)) allowed.push(`${name} ${action} ${resource}`);
        }
    expect(allowed).toEqual([]);
  });

  it('are more than two thousand calls', () => expect(evaluated).toBeGreaterThan(2_000));

  it('refuses to send, receive and store without TLS what is allowed with it', async () => {
    const [mirrorQueue = ''] = queue(/MirrorQueue[0-9A-F]{8}$/);
    const tested = [
      ['webhook', { action: 'sqs:SendMessage', resource: mirrorQueue }],
      ['mirror', { action: 'sqs:ReceiveMessage', resource: mirrorQueue }],
      ['snapshot', { action: 's3:PutObject', resource: `${bucket}/snapshot.json.gz` }],
      ['api', { action: 's3:GetObject', resource: `${bucket}/snapshot.json.gz` }],
    ] as const;
    for (const [name, request] of tested) {
      expect(await isAllowed(deployed, name, request)).toBe(true);
      const plain = { ...request, context: { 'aws:SecureTransport': 'false' } };
      expect(await isAllowed(deployed, name, plain)).toBe(false);
    }
  });

  it('lets EventBridge send only what a rule of this stack matched', async () => {
    const [events = ''] = queue(/RegistryEventsQueue/);
    const rules = [...deployed.arns('AWS::Events::Rule')];
    const own = rules.filter(([id]) => id.startsWith('MirrorRegistryEvents')).map(([, arn]) => arn);
    expect(own.length).toBeGreaterThan(2);
    const send = (rule: string) =>
      isAllowed(deployed, 'events.amazonaws.com', {
        action: 'sqs:SendMessage',
        resource: events,
        context: { 'aws:SourceArn': rule },
      });
    for (const rule of own) expect(await send(rule)).toBe(true);
    for (const rule of [here('events', 'rule/other'), 'arn:aws:events:eu-west-1:444455556666:rule/x'])
      expect(await send(rule)).toBe(false);
  });
});
