import { RemovalPolicy } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { functionOf, mirrorTemplate } from './mirror-template.ts';

const template = mirrorTemplate();

describe('the mirror queue', () => {
  const queues = Object.entries(template.findResources('AWS::SQS::Queue'));
  const [deadLetters] = queues.filter(([, { Properties }]) => !Properties.RedrivePolicy);
  const [queue] = queues.filter(([, { Properties }]) => Properties.RedrivePolicy);

  it('is FIFO with limits a message group, deduplicates by nothing but ids, and keeps messages for 14 days', () => {
    expect(queues).toHaveLength(2);
    for (const [, { Properties }] of queues) {
      expect(Properties).toMatchObject({
        FifoQueue: true,
        ContentBasedDeduplication: false,
        DeduplicationScope: 'messageGroup',
        FifoThroughputLimit: 'perMessageGroupId',
        MessageRetentionPeriod: 14 * 24 * 3600,
        SqsManagedSseEnabled: true,
      });
    }
  });

  it('gives a message up after five receives', () => {
    expect(queue?.[1].Properties.RedrivePolicy).toEqual({
      deadLetterTargetArn: { 'Fn::GetAtt': [deadLetters?.[0], 'Arn'] },
      maxReceiveCount: 5,
    });
  });

  it('hides a message for longer than the mirror function may run', () => {
    const { Timeout } = functionOf(template, 'mirror').properties;
    expect(queue?.[1].Properties.VisibilityTimeout).toBe(1_800);
    expect(queue?.[1].Properties.VisibilityTimeout).toBeGreaterThanOrEqual(2 * Number(Timeout));
  });

  it('refuses plain HTTP, both of them', () => {
    for (const [id] of queues) {
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

  it('feeds the mirror function one message at a time and hears which failed', () => {
    template.resourceCountIs('AWS::Lambda::EventSourceMapping', 1);
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [queue?.[0], 'Arn'] },
      FunctionName: { Ref: functionOf(template, 'mirror').id },
      BatchSize: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 10 },
    });
  });

  it('runs as many jobs at once as the props say', () => {
    mirrorTemplate(undefined, { maxConcurrency: 40 }).hasResourceProperties(
      'AWS::Lambda::EventSourceMapping',
      {
        ScalingConfig: { MaximumConcurrency: 40 },
      },
    );
  });

  it('raises an alarm for a dead letter', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [deadLetters?.[0], 'QueueName'] } }],
      Threshold: 1,
      AlarmActions: Match.absent(),
    });
  });
});

describe('the table', () => {
  it('has string keys, no index, expires items, can be restored, and stays when the stack goes', () => {
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
  it('are made once and never anew: another generator setting would replace every webhook secret and token', () => {
    const secrets = Object.values(template.findResources('AWS::SecretsManager::Secret'));
    expect(secrets).toHaveLength(2);
    for (const secret of secrets) {
      expect(secret.DeletionPolicy).toBe('Retain');
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
  it('is nothing where the props say so', () => {
    const gone = mirrorTemplate(undefined, { removalPolicy: RemovalPolicy.DESTROY });
    for (const type of ['AWS::DynamoDB::Table', 'AWS::SecretsManager::Secret']) {
      gone.allResources(type, { DeletionPolicy: 'Delete' });
    }
  });
});

describe('alarms', () => {
  it('tell the configured topic, of the lag too', () => {
    const topic = 'arn:aws:sns:eu-west-1:111122223333:mirror';
    const alarming = mirrorTemplate(`
version: 1
mirror: { regions: [eu-west-1] }
alarms: { topic: "${topic}", lag: 20m }
upstreams: [{ registry: docker.io, repositories: [{ match: library/nginx }] }]
`);
    alarming.resourceCountIs('AWS::CloudWatch::Alarm', 2);
    alarming.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [topic] });
    alarming.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateAgeOfOldestMessage',
      Threshold: 20 * 60,
    });
  });
});
