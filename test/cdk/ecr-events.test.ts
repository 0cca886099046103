import { Match, type Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { functionOf, mirrorTemplate } from './mirror-template.ts';

const upstream = (registry: string) => `
  - registry: ${registry}
    webhook: { source: ecr, name: ecr-${registry.slice(0, 3)} }
    repositories: [{ match: "team/*" }]`;
const template = mirrorTemplate(`
version: 1
mirror: { regions: [eu-west-1] }
upstreams:${upstream('111122223333.dkr.ecr.eu-west-1.amazonaws.com')}${upstream('444455556666.dkr.ecr.us-east-1.amazonaws.com')}
`);
const busRules = (of: Template) =>
  Object.entries(of.findResources('AWS::Events::Rule')).filter(
    ([id, { Properties }]) => Properties.EventPattern && id.includes('EcrEvents'),
  );

describe('pushes to upstream ECR registries', () => {
  it('go to the webhook function', () => {
    const [[id, rule] = ['', { Properties: {} }], ...others] = busRules(template);
    expect(others).toEqual([]);
    expect(rule.Properties.EventPattern).toEqual({
      source: ['aws.ecr'],
      'detail-type': ['ECR Image Action'],
      account: ['111122223333', '444455556666'],
      region: ['eu-west-1', 'us-east-1'],
      detail: { 'action-type': ['PUSH'], result: ['SUCCESS'] },
    });
    const webhook = functionOf(template, 'webhook').id;
    expect(rule.Properties.Targets).toMatchObject([{ Arn: { 'Fn::GetAtt': [webhook, 'Arn'] } }]);
    // This makes the events authentic: only this rule may invoke the function for EventBridge.
    template.hasResourceProperties('AWS::Lambda::Permission', {
      Principal: 'events.amazonaws.com',
      FunctionName: { 'Fn::GetAtt': [webhook, 'Arn'] },
      SourceArn: { 'Fn::GetAtt': [id, 'Arn'] },
    });
  });

  it('and deletions, if a rule follows them', () => {
    const registry = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
    const following = mirrorTemplate(`
version: 1
mirror: { regions: [eu-west-1] }
upstreams:
  - registry: ${registry}
    webhook: { source: ecr, name: ecr }
    repositories: [{ match: "team/*", deleted: unmap }]
`);
    expect(busRules(following).map(([, { Properties }]) => Properties.EventPattern.detail)).toEqual([
      { 'action-type': ['PUSH', 'DELETE'], result: ['SUCCESS'] },
    ]);
  });

  it('are kept if they cannot be delivered, or if the function fails each time', () => {
    const [[, rule] = ['', { Properties: {} }]] = busRules(template);
    const [queue] = Object.entries(template.findResources('AWS::SQS::Queue')).filter(([id]) =>
      id.includes('LostEvents'),
    );
    const arn = { 'Fn::GetAtt': [queue?.[0], 'Arn'] };
    expect(queue?.[1].Properties).toMatchObject({
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 1_209_600,
    });
    expect(rule.Properties.Targets).toMatchObject([{ DeadLetterConfig: { Arn: arn } }]);
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      FunctionName: { Ref: functionOf(template, 'webhook').id },
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: arn } },
    });
    const mayNotBePlain = { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } };
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      Queues: [{ Ref: queue?.[0] }],
      PolicyDocument: { Statement: Match.arrayWith([Match.objectLike(mayNotBePlain)]) },
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': [queue?.[0], 'QueueName'] } }],
      Threshold: 1,
    });
  });

  it('are delivered whatever the registry is called, and wherever its webhook is configured', () => {
    const named = (registry: string, webhook: string) => `
  - { registry: ${registry}, ${webhook} }`;
    const other = mirrorTemplate(`
version: 1
mirror: { regions: [eu-west-1] }
upstreams:${named('111122223333.dkr-ecr.eu-west-1.on.aws', 'webhook: { source: ecr }')}${named(
      '444455556666.dkr.ecr-fips.us-east-1.amazonaws.com',
      'webhooks: [{ source: generic }, { source: ecr, name: events }]',
    )}
`);
    expect(busRules(other).map(([, { Properties }]) => Properties.EventPattern)).toMatchObject([
      { account: ['111122223333', '444455556666'], region: ['eu-west-1', 'us-east-1'] },
    ]);
  });

  it('need no rule if no upstream is an ECR registry', () => {
    expect(busRules(mirrorTemplate())).toEqual([]);
  });
});
