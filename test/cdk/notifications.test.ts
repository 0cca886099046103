import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { asText, functionOf, mirrorTemplate, statementsOf } from './mirror-template.ts';

const base = `
version: 1
mirror: { regions: [eu-west-1], repositoryPrefix: yard/images }
upstreams: [{ registry: docker.io, repositories: [{ match: library/nginx }] }]
`;
const plain = mirrorTemplate(base);
const template = mirrorTemplate(`${base}
alarms: { topic: "arn:aws:sns:eu-west-1:111122223333:mirror" }
notify:
  - { url: https://hooks.example.com/a, secret: drayage/chat, name: chat }
  - { url: https://hooks.example.com/b, secret: drayage/gitops, name: gitops, events: [mirrored] }
  - { url: https://hooks.example.com/c, secret: drayage/chat, name: pager, events: [failed, removed] }
`);
const sqs = (of: typeof template, pattern: RegExp) =>
  Object.entries(of.findResources('AWS::SQS::Queue')).filter(([id]) => pattern.test(id));
/** The rules for our own events. */
const rulesOf = (of: typeof template) =>
  Object.values(of.findResources('AWS::Events::Rule')).flatMap(({ Properties }) =>
    Properties.EventPattern?.source?.includes('drayage') ? [Properties] : [],
  );
const [[queueId, queue] = ['', undefined]] = sqs(template, /^MirrorNotificationsQueue[0-9A-F]{8}$/);
const [[deadId, dead] = ['', undefined]] = sqs(template, /^MirrorNotificationsDeadLetters[0-9A-F]{8}$/);

describe('events', () => {
  it.each(['mirror', 'layer', 'schedule'])(
    '%s: may put ours on the default event bus, and no others',
    (name) => {
      const puts = statementsOf(plain, name).filter(({ actions }) => actions.includes('events:PutEvents'));
      expect(puts).toEqual([
        {
          actions: ['events:PutEvents'],
          resources: ['arn:<AWS::Partition>:events:eu-west-1:<AWS::AccountId>:event-bus/default'],
          conditions: { StringEquals: { 'events:source': 'drayage' } },
        },
      ]);
    },
  );

  it.each(['webhook', 'api'])('%s: puts none', (name) => {
    const actions = statementsOf(plain, name).flatMap((statement) => statement.actions);
    expect(actions.filter((action) => action.startsWith('events:'))).toEqual([]);
  });
});

describe('without endpoints', () => {
  it('there is neither queue nor rule nor function for them', () => {
    expect(sqs(plain, /Notif/)).toEqual([]);
    expect(rulesOf(plain)).toEqual([]);
    expect(() => functionOf(plain, 'notify')).toThrow('0 functions');
  });
});

describe('endpoints', () => {
  it('have a rule each, which matches what they are to be told by this deployment', () => {
    const rules = rulesOf(template);
    const told = { chat: ['Image Mirrored', 'Image Failed', 'Mapping Removed'], gitops: ['Image Mirrored'] };
    const all = { ...told, pager: ['Image Failed', 'Mapping Removed'] };
    expect(rules.map(({ EventPattern }) => EventPattern)).toEqual(
      Object.values(all).map((detailTypes) => ({
        source: ['drayage'],
        'detail-type': detailTypes,
        detail: { source: ['/drayage/eu-west-1/yard/images'] },
      })),
    );
    expect(rules.map(({ EventBusName }) => EventBusName)).toEqual([undefined, undefined, undefined]);
    expect(rules.map(({ Targets }) => Targets)).toEqual(
      Object.keys(all).map((name) => [
        {
          Arn: { 'Fn::GetAtt': [queueId, 'Arn'] },
          DeadLetterConfig: { Arn: { 'Fn::GetAtt': [deadId, 'Arn'] } },
          Id: 'Target0',
          InputTransformer: {
            InputPathsMap: { detail: '$.detail' },
            InputTemplate: `{"endpoint":"${name}","event":<detail>}`,
          },
          SqsParameters: { MessageGroupId: name },
        },
      ]),
    );
  });

  it('share a queue, which is encrypted, refuses plain HTTP and gives up after about a day', () => {
    for (const [id, resource] of [
      [queueId, queue],
      [deadId, dead],
    ] as const) {
      expect(resource?.Properties).toMatchObject({
        MessageRetentionPeriod: 14 * 24 * 3600,
        SqsManagedSseEnabled: true,
      });
      template.hasResourceProperties('AWS::SQS::QueuePolicy', {
        Queues: [{ Ref: id }],
        PolicyDocument: {
          Statement: Match.arrayWith([
            Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
          ]),
        },
      });
    }
    expect(queue?.Properties).toMatchObject({
      VisibilityTimeout: 120,
      RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [deadId, 'Arn'] }, maxReceiveCount: 13 },
    });
    expect(queue?.Properties.FifoQueue).toBeUndefined();
  });

  it('are served by a function that reports what failed', () => {
    const { id, properties } = functionOf(template, 'notify');
    expect(properties).toMatchObject({ Timeout: 60, MemorySize: 256, Runtime: 'nodejs24.x' });
    expect(Object.keys((properties.Environment as { Variables: object }).Variables).sort()).toEqual([
      'DRAYAGE_NOTIFY_QUEUE_URL',
      'NODE_OPTIONS',
      'POWERTOOLS_METRICS_NAMESPACE',
      'POWERTOOLS_SERVICE_NAME',
    ]);
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [queueId, 'Arn'] },
      FunctionName: { Ref: id },
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 10 },
    });
  });

  it('let that function receive from its queue, read their secrets and write its log, and nothing else', () => {
    const statements = statementsOf(template, 'notify');
    const secret = (name: string) =>
      `arn:<AWS::Partition>:secretsmanager:eu-west-1:<AWS::AccountId>:secret:drayage/${name}-??????`;
    expect(
      statements
        .filter(({ actions }) => actions.includes('secretsmanager:GetSecretValue'))
        .flatMap(({ resources }) => resources),
    ).toEqual([secret('chat'), secret('gitops')]);
    expect(
      statements
        .filter(({ actions }) => actions.some((action) => action.startsWith('sqs:')))
        .flatMap(({ resources }) => resources),
    ).toEqual([`<${queueId}.Arn>`]);
    const services = statements.flatMap(({ actions }) => actions.map((action) => action.split(':')[0]));
    expect([...new Set(services)].sort()).toEqual(['logs', 'secretsmanager', 'sqs']);
    // Those who copy get none of these secrets.
    const copiers = ['mirror', 'layer'].flatMap((name) => statementsOf(template, name));
    expect(copiers.flatMap(({ resources }) => resources).filter((arn) => arn.includes(':secret:'))).toEqual(
      [],
    );
  });

  it('raise an alarm when an event could not be delivered', () => {
    const [alarm, ...others] = Object.values(template.findResources('AWS::CloudWatch::Alarm')).filter(
      ({ Properties }) => asText(Properties.Dimensions?.[0].Value ?? '') === `<${deadId}.QueueName>`,
    );
    expect(others).toEqual([]);
    expect(alarm?.Properties).toMatchObject({
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Threshold: 1,
      AlarmActions: ['arn:aws:sns:eu-west-1:111122223333:mirror'],
    });
  });
});
