import { describe, expect, it } from 'vitest';
import { layerActions, mirrorActions, settingsActions } from '../../lib/registry-access.ts';
import { functionNames, mirrorTemplate, smallConfig, statementsOf } from './mirror-template.ts';

const template = mirrorTemplate();
const names = [...functionNames, 'blob-mounting'];
const copiers = ['mirror', 'layer'];
const [bucket = ''] = Object.keys(template.findResources('AWS::S3::Bucket'));
const repositories = 'arn:<AWS::Partition>:ecr:eu-west-1:<AWS::AccountId>:repository/yard/images/*';

/** The actions of one service that a function may use, without the prefix. */
function actionsOf(name: string, service: string, of = template): string[] {
  return statementsOf(of, name)
    .flatMap(({ actions }) => actions)
    .filter((action) => action.startsWith(`${service}:`))
    .map((action) => action.slice(service.length + 1))
    .sort();
}

describe('permissions', () => {
  it('contain no wildcard, except for what ECR has for whole registries, for repositories below the prefix, and for exports', () => {
    const wide = names.flatMap((name) =>
      statementsOf(template, name)
        .filter(({ actions, resources }) => [...actions, ...resources].some((text) => text.includes('*')))
        .map(({ actions, resources }) => ({ name, actions, resources })),
    );
    expect(wide).toEqual([
      { name: 'mirror', actions: mirrorActions, resources: [repositories] },
      { name: 'mirror', actions: ['ecr:GetAuthorizationToken'], resources: ['*'] },
      { name: 'mirror', actions: settingsActions, resources: [repositories] },
      { name: 'layer', actions: layerActions, resources: [repositories] },
      { name: 'layer', actions: ['ecr:GetAuthorizationToken'], resources: ['*'] },
      { name: 'api', actions: ['s3:GetObject', 's3:PutObject'], resources: [`<${bucket}.Arn>/exports/*`] },
      { name: 'api', actions: ['ecr:DescribeImages'], resources: [repositories] },
      { name: 'reconcile', actions: ['ecr:DescribeImages'], resources: [repositories] },
      { name: 'reconcile', actions: settingsActions, resources: [repositories] },
      {
        name: 'reconcile',
        actions: ['ecr:DescribeRepositories'],
        resources: ['arn:<AWS::Partition>:ecr:eu-west-1:<AWS::AccountId>:repository/*'],
      },
      { name: 'registry-events', actions: ['ecr:DescribeImages'], resources: [repositories] },
      {
        name: 'blob-mounting',
        actions: ['ecr:GetAccountSetting', 'ecr:PutAccountSetting'],
        resources: ['*'],
      },
    ]);
  });

  it('let the mirror function do in ECR what a copy and the settings need, and delete no image', () => {
    expect(actionsOf('mirror', 'ecr')).toEqual([
      'BatchCheckLayerAvailability',
      'BatchGetImage',
      'CompleteLayerUpload',
      'CreateRepository',
      'DeleteLifecyclePolicy',
      'DeleteRepositoryPolicy',
      'DescribeRepositories',
      'GetAuthorizationToken',
      'GetDownloadUrlForLayer',
      'GetLifecyclePolicy',
      'GetRepositoryPolicy',
      'InitiateLayerUpload',
      'PutImage',
      'PutImageScanningConfiguration',
      'PutImageTagMutability',
      'PutLifecyclePolicy',
      'SetRepositoryPolicy',
      'UploadLayerPart',
    ]);
  });

  it('let the layer function upload layers, but put no image', () => {
    expect(actionsOf('layer', 'ecr')).toEqual(
      actionsOf('mirror', 'ecr').filter(
        (action) =>
          !['BatchGetImage', 'PutImage'].includes(action) && !settingsActions.includes(`ecr:${action}`),
      ),
    );
  });

  it('let both set tags at the creation of repositories if the configuration has some', () => {
    const tagged = mirrorTemplate(
      smallConfig.replace('repositoryPrefix', 'repository: { tags: { team: platform } }, repositoryPrefix'),
    );
    const of = (name: string) =>
      actionsOf(name, 'ecr', tagged).filter((action) => /Tag.*Resource/.test(action));
    expect(of('mirror')).toEqual(['ListTagsForResource', 'TagResource', 'TagResource']);
    expect(of('layer')).toEqual(['TagResource']);
    expect(of('reconcile')).toEqual(['ListTagsForResource', 'TagResource']);
  });

  it('let functions that look at images pull and change none', () => {
    for (const name of ['registry-events', 'api']) expect(actionsOf(name, 'ecr')).toEqual(['DescribeImages']);
  });

  it('let the reconcile function look at images and keep settings, and list repositories for patterns', () => {
    const settings = settingsActions.map((action) => action.slice('ecr:'.length));
    const expected = ['DescribeImages', ...settings];
    expect(actionsOf('reconcile', 'ecr')).toEqual([...expected, 'DescribeRepositories'].sort());
    const literal = mirrorTemplate(smallConfig.replace('acme/**', 'acme/shop'));
    expect(actionsOf('reconcile', 'ecr', literal)).toEqual(expected.sort());
  });

  it('let no other function do anything in ECR, except turn on blob mounting', () => {
    for (const name of ['webhook', 'schedule', 'snapshot']) expect(actionsOf(name, 'ecr')).toEqual([]);
    expect(actionsOf('blob-mounting', 'ecr')).toEqual(['GetAccountSetting', 'PutAccountSetting']);
  });

  it('let each function do with the table what it needs, and let none scan it', () => {
    const table = Object.fromEntries(names.map((name) => [name, actionsOf(name, 'dynamodb')]));
    expect(table).toEqual({
      webhook: ['GetItem', 'GetItem', 'PutItem', 'UpdateItem', 'UpdateItem'],
      mirror: ['BatchGetItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'],
      layer: ['BatchGetItem', 'DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'],
      api: ['BatchGetItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'],
      schedule: ['BatchGetItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'],
      reconcile: ['DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'],
      'registry-events': ['BatchGetItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'],
      snapshot: ['BatchGetItem', 'GetItem', 'Query'],
      'blob-mounting': [],
    });
  });

  it('let each function send and receive where it has to', () => {
    const queues = Object.fromEntries(
      names.map((name) => {
        const where = (action: string) =>
          statementsOf(template, name)
            .filter(({ actions }) => actions.includes(`sqs:${action}`))
            .flatMap(({ resources }) => resources);
        return [name, { sends: where('SendMessage').sort(), receives: where('ReceiveMessage') }];
      }),
    );
    const mirrorQueue = '<MirrorQueue08D8000D.Arn>';
    const layerQueue = '<MirrorLayerQueueC517CBD8.Arn>';
    expect(queues).toEqual({
      webhook: { sends: [mirrorQueue], receives: [] },
      mirror: { sends: [layerQueue, mirrorQueue], receives: [mirrorQueue] },
      layer: { sends: [layerQueue, mirrorQueue], receives: [layerQueue] },
      api: { sends: [mirrorQueue], receives: [] },
      schedule: {
        sends: [mirrorQueue],
        receives: ['<MirrorQueueDeadLetters7121499C.Arn>', '<MirrorLayerQueueDeadLetters0819B7AD.Arn>'],
      },
      reconcile: { sends: [mirrorQueue], receives: [] },
      'registry-events': {
        sends: [mirrorQueue],
        receives: ['<MirrorRegistryEventsQueueE6BAD4CD.Arn>'],
      },
      snapshot: { sends: [], receives: [] },
      'blob-mounting': { sends: [], receives: [] },
    });
  });

  it('let the snapshot function replace the snapshot, and the API read it and store what it makes of it', () => {
    const objects = (name: string) =>
      statementsOf(template, name)
        .filter(({ actions }) => actions.some((action) => action.startsWith('s3:')))
        .map(({ actions, resources }) => [...actions, ...resources]);
    const list = ['s3:ListBucket', `<${bucket}.Arn>`];
    const snapshot = `<${bucket}.Arn>/snapshot.json.gz`;
    expect(objects('snapshot')).toEqual([['s3:GetObject', 's3:PutObject', snapshot], list]);
    expect(objects('api')).toEqual([
      ['s3:GetObject', snapshot],
      list,
      ['s3:GetObject', 's3:PutObject', `<${bucket}.Arn>/exports/*`],
    ]);
    const others = names.filter((name) => !['snapshot', 'api'].includes(name));
    for (const name of others) expect(objects(name)).toEqual([]);
  });

  it('let the snapshot function read what lists are made of, and neither jobs nor secrets', () => {
    const [reads, ...more] = statementsOf(template, 'snapshot').filter(({ actions }) =>
      actions.some((action) => action.startsWith('dynamodb:')),
    );
    expect(more).toEqual([]);
    expect(reads?.conditions).toEqual({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['repo#*', 'repos', 'registries', 'snapshot'] },
    });
  });

  it('let a function that receives messages return one after a crash', () => {
    for (const name of [...copiers, 'registry-events'])
      expect(actionsOf(name, 'sqs')).toContain('ChangeMessageVisibility');
  });

  it('let each function read the secrets that are meant for it', () => {
    const secrets = Object.fromEntries(
      names.map((name) => [
        name,
        statementsOf(template, name)
          .filter(({ actions }) => actions.includes('secretsmanager:GetSecretValue'))
          .flatMap(({ resources }) => resources),
      ]),
    );
    const hub =
      'arn:<AWS::Partition>:secretsmanager:eu-west-1:<AWS::AccountId>:secret:drayage/docker-hub-??????';
    expect(secrets).toEqual({
      webhook: ['<MirrorSecretsWebhooks42DE6E77>'],
      mirror: [hub],
      layer: [hub],
      // For the operator, who enters the webhook secrets at the upstreams.
      api: ['<MirrorSecretsWebhooks42DE6E77>', '<MirrorSecretsApi3EE0E102>'],
      schedule: [],
      reconcile: [hub],
      'registry-events': [],
      snapshot: [],
      'blob-mounting': [],
    });
    for (const name of names) expect(actionsOf(name, 'secretsmanager')).not.toContain('PutSecretValue');
  });

  it('let each function write to its own log group', () => {
    for (const name of names) {
      const logs = statementsOf(template, name).filter(({ actions }) =>
        actions.includes('logs:PutLogEvents'),
      );
      expect(logs).toHaveLength(1);
      expect(logs[0]?.resources).toHaveLength(1);
    }
  });

  it('cover nothing else', () => {
    const services = names.flatMap((name) =>
      statementsOf(template, name).flatMap(({ actions }) => actions.map((action) => action.split(':')[0])),
    );
    expect([...new Set(services)].sort()).toEqual([
      'dynamodb',
      'ecr',
      'events',
      'logs',
      's3',
      'secretsmanager',
      'sqs',
    ]);
  });
});

describe('permissions for a customer managed key', () => {
  const withKey = (kmsKey: string) => {
    const of = mirrorTemplate(`
version: 1
mirror: { regions: [eu-west-1], repository: { encryption: { kmsKey: "${kmsKey}" } } }
upstreams: [{ registry: docker.io, repositories: [{ match: library/nginx }] }]
`);
    for (const name of names.filter((name) => !copiers.includes(name)))
      expect(actionsOf(name, 'kms', of)).toEqual([]);
    const [mirror, layer] = copiers.map((name) =>
      statementsOf(of, name).filter(({ actions }) => actions.some((action) => action.startsWith('kms:'))),
    );
    expect(layer).toEqual(mirror);
    return mirror;
  };
  const actions = ['kms:DescribeKey', 'kms:CreateGrant', 'kms:RetireGrant'];
  const viaEcr = { 'kms:ViaService': 'ecr.eu-west-1.amazonaws.com' };

  it('are absent without such a key', () => {
    expect(actionsOf('mirror', 'kms')).toEqual([]);
  });

  it('name the key by its id, and only through ECR', () => {
    const id = '1234abcd-12ab-34cd-56ef-1234567890ab';
    expect(withKey(id)).toEqual([
      {
        actions,
        resources: [`arn:<AWS::Partition>:kms:eu-west-1:<AWS::AccountId>:key/${id}`],
        conditions: { StringEquals: viaEcr },
      },
    ]);
  });

  it('name the key by its ARN', () => {
    const arn = 'arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab';
    expect(withKey(arn)).toEqual([{ actions, resources: [arn], conditions: { StringEquals: viaEcr } }]);
  });

  it.each([
    ['alias/mirror', 'arn:<AWS::Partition>:kms:eu-west-1:<AWS::AccountId>:key/*'],
    ['arn:aws:kms:eu-west-1:444455556666:alias/mirror', 'arn:aws:kms:eu-west-1:444455556666:key/*'],
  ])('apply to the keys of %s alone', (alias, resource) => {
    expect(withKey(alias)).toEqual([
      {
        actions,
        resources: [resource],
        conditions: {
          StringEquals: viaEcr,
          'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/mirror' },
        },
      },
    ]);
  });

  it('let those that ask upstreams assume the roles of the configuration, and nobody else', () => {
    const roleArn = 'arn:aws:iam::111122223333:role/pull';
    const upstream = `  - registry: 111122223333.dkr.ecr.eu-west-1.amazonaws.com
    credentials: { type: ecr, roleArn: "${roleArn}" }
    repositories: [{ match: "**" }]
`;
    const withRole = mirrorTemplate(smallConfig + upstream);
    const assuming = functionNames.flatMap((name) =>
      statementsOf(withRole, name)
        .filter(({ actions }) => actions.includes('sts:AssumeRole'))
        .map(({ actions, resources }) => ({ name, actions, resources })),
    );
    const grant = { actions: ['sts:AssumeRole'], resources: [roleArn] };
    expect(assuming).toEqual(['mirror', 'layer', 'reconcile'].map((name) => ({ name, ...grant })));
  });
});

describe('permissions for keys that signatures are verified with', () => {
  const id = 'key/1234abcd-12ab-34cd-56ef-1234567890ab';
  it.each([
    [`arn:aws:kms:eu-west-1:444455556666:${id}`, `arn:aws:kms:eu-west-1:444455556666:${id}`, undefined],
    [
      'arn:aws:kms:eu-west-1:444455556666:alias/sign',
      'arn:aws:kms:eu-west-1:444455556666:key/*',
      'alias/sign',
    ],
    ['alias/sign', 'arn:<AWS::Partition>:kms:eu-west-1:<AWS::AccountId>:key/*', 'alias/sign'],
  ])('let the mirror function alone read the public half of %s', (key, resource, alias) => {
    const of = mirrorTemplate(`
version: 1
mirror: { regions: [eu-west-1] }
upstreams:
  - registry: docker.io
    repositories: [{ match: library/nginx, verify: { cosign: { key: "awskms:///${key}" } } }]
`);
    for (const name of names.filter((name) => name !== 'mirror'))
      expect(actionsOf(name, 'kms', of)).toEqual([]);
    const found = statementsOf(of, 'mirror').filter(({ actions }) => actions.includes('kms:GetPublicKey'));
    const conditions = alias ? { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } } : {};
    expect(found).toEqual([{ actions: ['kms:GetPublicKey'], resources: [resource], conditions }]);
  });
});
