import { App, Stack, Validations } from 'aws-cdk-lib';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { acknowledge } from '../../lib/acknowledge.ts';
import { addSecurityChecks } from '../../lib/security-checks.ts';
import { mirrorStack } from './mirror-template.ts';

const variants = {
  'as small as can be': undefined,
  'with everything': `
version: 1
mirror: { regions: [eu-west-1], repository: { encryption: { kmsKey: alias/mirror } } }
api:
  reads: iam
  domain: { name: mirror.example.com, certificate: "arn:aws:acm:eu-west-1:111122223333:certificate/1234" }
alarms: { topic: "arn:aws:sns:eu-west-1:111122223333:mirror" }
upstreams:
  - registry: docker.io
    credentials: { secret: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:hub-AbCdEf" }
    repositories: [{ match: library/nginx }]
  - registry: 444455556666.dkr.ecr.us-east-1.amazonaws.com
    webhook: { source: ecr }
    repositories: [{ match: "team/*" }]
  - registry: quay.io
    credentials: { secret: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:drayage/quay" }
    repositories: [{ match: "**" }]
`,
};

/** The findings that cdk-nag still has. */
function findings(stack: Stack): string[] {
  return new AwsSolutionsChecks()
    .validateScope(stack)
    .violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => `${ruleName} ${constructPath}`),
    );
}

/** The reasons of all accepted findings, by rule. */
function accepted(stack: Stack): [rule: string, reason: string][] {
  return stack.node
    .findAll()
    .flatMap(({ node }) => node.metadata)
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.entries(data as Record<string, string>));
}

describe('cdk-nag', () => {
  it.each(Object.entries(variants))('finds nothing in the stack, %s', (_, yaml) => {
    expect(findings(mirrorStack(yaml))).toEqual([]);
    const known = { account: '111122223333', region: 'eu-west-1' };
    expect(findings(mirrorStack(yaml, { env: known }))).toEqual([]);
  });

  it('accepts few rules, and none of them for the whole stack', () => {
    const stack = mirrorStack(variants['with everything']);
    const rules = new Set(accepted(stack).map(([rule]) => rule.replace(/^.*(AwsSolutions-\w+).*$/, '$1')));
    expect([...rules].sort()).toEqual([
      'AwsSolutions-APIG4',
      'AwsSolutions-IAM5',
      'AwsSolutions-S1',
      'AwsSolutions-SMG4',
      'AwsSolutions-SQS3',
    ]);
    expect(
      stack.node.metadata.filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY),
    ).toEqual([]);
  });

  it('accepts a finding only for a written reason', () => {
    const stack = new Stack(new App(), 'Other');
    expect(() => acknowledge(stack, 'AwsSolutions-SQS3', ' fine ')).toThrow(
      /AwsSolutions-SQS3 at Other: give a reason/,
    );
  });
});

describe('the security checks', () => {
  // Without CloudFormation's own rules, which take seconds to load.
  beforeEach(() => {
    vi.stubEnv('CDK_VALIDATION', 'false');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('stop the synthesis on an error', () => {
    const app = new App();
    addSecurityChecks(app);
    new Queue(new Stack(app, 'Other'), 'NoDeadLetters');
    expect(() => app.synth()).toThrow(/AwsSolutions-SQS3/);
  });

  it('stop it on mere warnings of cdk-nag', () => {
    const app = new App();
    addSecurityChecks(app);
    new Table(new Stack(app, 'Other'), 'NoBackups', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
    });
    expect(() => app.synth()).toThrow(/ERROR .*AwsSolutions-DDB3/s);
  });

  it('let accepted findings pass', () => {
    const app = new App();
    addSecurityChecks(app);
    const table = new Table(new Stack(app, 'Other'), 'NoBackups', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
    });
    acknowledge(table, 'AwsSolutions-DDB3', 'The data can be made again in a minute.');
    expect(() => app.synth()).not.toThrow();
  });
});
