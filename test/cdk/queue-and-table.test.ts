import { RemovalPolicy } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { functionOf, mirrorTemplate } from './mirror-template.ts';

const template = mirrorTemplate();

interface QueueResource {
  id: string;
  properties: Record<string, unknown>;
}

/** A queue and its dead-letter queue, found by the beginnings of their logical ids. */
function queuesOf(prefix: string): [QueueResource, QueueResource] {
  const [queue, deadLetters] = [`^${prefix}[0-9A-F]{8}$`, `^${prefix}DeadLetters[0-9A-F]{8}$`].map((ids) => {
    const [only, ...others] = Object.entries(template.findResources('AWS::SQS::Queue')).filter(([id]) =>
      new RegExp(ids).test(id),
    );
    if (!only || others.length > 0) throw new Error(`${ids}: not one queue`);
    return { id: only[0], properties: only[1].Properties as Record<string, unknown> };
  });
  if (!queue || !deadLetters) throw new Error(prefix);
  return [queue, deadLetters];
}

describe.each([
  { name: 'mirror', prefix: 'MirrorQueue', concurrency: 10, batchSize: 10 },
  { name: 'layer', prefix: 'MirrorLayerQueue', concurrency: 20, batchSize: 1 },
])('the $name queue', ({ name, prefix, concurrency, batchSize }) => {
  const [queue, deadLetters] = queuesOf(prefix);

  it('has a dead-letter queue, and both keep messages for 14 days, encrypted', () => {
    for (const { properties } of [queue, deadLetters]) {
      expect(properties).toMatchObject({
        MessageRetentionPeriod: 14 * 24 * 3600,
        SqsManagedSseEnabled: true,
      });
    }
  });

  it('gives up a message after five receives', () => {
    expect(queue.properties.RedrivePolicy).toEqual({
      deadLetterTargetArn: { 'Fn::GetAtt': [deadLetters.id, 'Arn'] },
      maxReceiveCount: 5,
    });
  });

  it('hides a message for as long as its function may run', () => {
    const { Timeout } = functionOf(template, name).properties;
    expect(queue.properties.VisibilityTimeout).toBe(900);
    expect(queue.properties.VisibilityTimeout).toBeGreaterThanOrEqual(Number(Timeout));
  });

  it('refuses plain HTTP, and so does its dead-letter queue', () => {
    for (const { id } of [queue, deadLetters]) {
      template.hasResourceProperties('AWS::SQS::QueuePolicy', {
        Queues: [{ Ref: id }],
        PolicyDocument: {
          Statement: [
            Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
          ],
        },
      });
    }
  });

  it('feeds its function, which reports the messages that failed', () => {
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [queue.id, 'Arn'] },
      FunctionName: { Ref: functionOf(template, name).id },
      BatchSize: batchSize,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: concurrency },
    });
  });

  it('raises an alarm for a dead letter', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'NumberOfMessagesReceived',
      Statistic: 'Sum',
      Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [deadLetters.id, 'QueueName'] } }],
      Threshold: 1,
      AlarmActions: Match.absent(),
    });
  });
});

describe('the queues', () => {
  it('are these: the mirror queue in groups, deduplicated by ids alone, and the layer queue without order', () => {
    for (const { properties } of queuesOf('MirrorQueue')) {
      expect(properties).toMatchObject({
        FifoQueue: true,
        ContentBasedDeduplication: false,
        DeduplicationScope: 'messageGroup',
        FifoThroughputLimit: 'perMessageGroupId',
      });
    }
    for (const { properties } of queuesOf('MirrorLayerQueue')) expect(properties.FifoQueue).toBeUndefined();
  });

  it('run as many jobs at once as the props say', () => {
    const other = mirrorTemplate(undefined, { maxConcurrency: 40, layerConcurrency: 60 });
    for (const [name, MaximumConcurrency] of Object.entries({ mirror: 40, layer: 60 })) {
      other.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
        FunctionName: { Ref: functionOf(other, name).id },
        ScalingConfig: { MaximumConcurrency },
      });
    }
  });
});

describe('the table', () => {
  it('has string keys and no index, expires items, can be restored, is protected, and outlives the stack', () => {
    template.resourceCountIs('AWS::DynamoDB::Table', 1);
    template.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        BillingMode: 'PAY_PER_REQUEST',
        DeletionProtectionEnabled: true,
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        GlobalSecondaryIndexes: Match.absent(),
        LocalSecondaryIndexes: Match.absent(),
        StreamSpecification: Match.absent(),
      },
    });
  });
});

describe('the secrets', () => {
  it('are generated once: another generator setting would replace every webhook secret and token', () => {
    const secrets = Object.values(template.findResources('AWS::SecretsManager::Secret'));
    expect(secrets).toHaveLength(2);
    for (const secret of secrets) {
      expect(secret.DeletionPolicy).toBe('RetainExceptOnCreate');
      expect(secret.Properties.Name).toBeUndefined();
      expect(secret.Properties.GenerateSecretString).toEqual({
        SecretStringTemplate: '{}',
        GenerateStringKey: 'root',
        PasswordLength: 64,
        ExcludePunctuation: true,
        IncludeSpace: false,
      });
    }
  });
});

describe('what the stack leaves behind', () => {
  it('is nothing if the props say so', () => {
    const gone = mirrorTemplate(undefined, { removalPolicy: RemovalPolicy.DESTROY });
    for (const type of ['AWS::DynamoDB::Table', 'AWS::SecretsManager::Secret']) {
      gone.allResources(type, { DeletionPolicy: 'Delete' });
    }
  });
});

describe('alarms', () => {
  it('notify the configured topic, also about the lag', () => {
    const topic = 'arn:aws:sns:eu-west-1:111122223333:mirror';
    const alarming = mirrorTemplate(`
version: 1
mirror: { regions: [eu-west-1] }
alarms: { topic: "${topic}", lag: 20m }
upstreams: [{ registry: docker.io, repositories: [{ match: library/nginx }] }]
`);
    alarming.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [topic] });
    for (const prefix of ['MirrorQueue', 'MirrorLayerQueue']) {
      alarming.hasResourceProperties('AWS::CloudWatch::Alarm', {
        MetricName: 'ApproximateAgeOfOldestMessage',
        Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [queuesOf(prefix)[0].id, 'QueueName'] } }],
        Threshold: 20 * 60,
      });
    }
  });
});
