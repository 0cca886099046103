import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { functionOf, mirrorTemplate } from './mirror-template.ts';

const template = mirrorTemplate();
const queue = 'MirrorRegistryEventsQueueE6BAD4CD';
const deadLetters = 'MirrorRegistryEventsDeadLettersB6C46C95';
const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const rules = Object.entries(template.findResources('AWS::Events::Rule')).filter(([id]) =>
  id.includes('RegistryEvents'),
);

describe('what the mirror’s registry tells about lost images', () => {
  it('is taken from the stack’s own account and region, and only for its repositories', () => {
    const own = { source: ['aws.ecr'], account: [{ Ref: 'AWS::AccountId' }], region: ['eu-west-1'] };
    const mirrors = [{ prefix: 'yard/images/' }];
    expect(rules.map(([, { Properties }]) => Properties.EventPattern)).toEqual([
      {
        ...own,
        'detail-type': ['ECR Image Action'],
        detail: {
          'action-type': ['DELETE', 'UPDATE_STORAGE_CLASS'],
          result: ['SUCCESS'],
          'repository-name': mirrors,
        },
      },
      {
        ...own,
        'detail-type': ['AWS Service Event via CloudTrail'],
        detail: {
          eventName: ['PolicyExecutionEvent'],
          serviceEventDetails: { repositoryName: mirrors },
        },
      },
      {
        ...own,
        'detail-type': ['AWS API Call via CloudTrail'],
        detail: { eventName: ['DeleteRepository'], requestParameters: { repositoryName: mirrors } },
      },
    ]);
  });

  it('goes to a queue that only these rules may fill, and to its dead-letter queue if that fails', () => {
    for (const [id, { Properties }] of rules) {
      expect(Properties.Targets).toMatchObject([
        { Arn: arnOf(queue), DeadLetterConfig: { Arn: arnOf(deadLetters) } },
      ]);
      template.hasResourceProperties('AWS::SQS::QueuePolicy', {
        Queues: [{ Ref: queue }],
        PolicyDocument: {
          Statement: Match.arrayWith([
            Match.objectLike({
              Effect: 'Allow',
              Principal: { Service: 'events.amazonaws.com' },
              Condition: { ArnEquals: { 'aws:SourceArn': arnOf(id) } },
            }),
          ]),
        },
      });
    }
    const mayNotBePlain = { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } };
    for (const id of [queue, deadLetters])
      template.hasResourceProperties('AWS::SQS::QueuePolicy', {
        Queues: [{ Ref: id }],
        PolicyDocument: { Statement: Match.arrayWith([Match.objectLike(mayNotBePlain)]) },
      });
  });

  it('is kept for 14 days, encrypted, and retried ten times', () => {
    const queues = template.findResources('AWS::SQS::Queue');
    for (const id of [queue, deadLetters])
      expect(queues[id]?.Properties).toMatchObject({
        MessageRetentionPeriod: 1_209_600,
        SqsManagedSseEnabled: true,
      });
    expect(queues[queue]?.Properties).toMatchObject({
      RedrivePolicy: { deadLetterTargetArn: arnOf(deadLetters), maxReceiveCount: 10 },
      VisibilityTimeout: 180,
    });
  });

  it('feeds the function at once, ten messages at a time', () => {
    const { id, properties } = functionOf(template, 'registry-events');
    expect(properties.Timeout).toBeLessThanOrEqual(180);
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: arnOf(queue),
      FunctionName: { Ref: id },
      BatchSize: 10,
      MaximumBatchingWindowInSeconds: Match.absent(),
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 10 },
    });
  });

  it('raises an alarm if it could not be worked off', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [deadLetters, 'QueueName'] } }],
      Threshold: 1,
    });
  });
});
