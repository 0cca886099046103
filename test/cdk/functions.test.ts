import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { describe, expect, it } from 'vitest';
import { functionOf, mirrorTemplate } from './mirror-template.ts';

const template = mirrorTemplate();
const functions = {
  webhook: { Timeout: 28, MemorySize: 512 },
  mirror: { Timeout: 900, MemorySize: 1_024 },
  layer: { Timeout: 900, MemorySize: 1_024 },
  api: { Timeout: 28, MemorySize: 512 },
  schedule: { Timeout: 60, MemorySize: 512 },
  reconcile: { Timeout: 900, MemorySize: 1_024 },
  'registry-events': { Timeout: 90, MemorySize: 512 },
  snapshot: { Timeout: 900, MemorySize: 512 },
  'blob-mounting': { Timeout: 60, MemorySize: 256 },
};

/** What every function has in its environment. */
const shared = ['NODE_OPTIONS', 'POWERTOOLS_METRICS_NAMESPACE', 'POWERTOOLS_SERVICE_NAME'];
const tableAndQueue = ['DRAYAGE_QUEUE_URL', 'DRAYAGE_TABLE'];
const own: Record<string, string[]> = {
  webhook: [...tableAndQueue, 'DRAYAGE_ACCOUNT', 'DRAYAGE_WEBHOOK_SECRET'],
  mirror: [...tableAndQueue, 'DRAYAGE_FAN_OUT_BYTES', 'DRAYAGE_LAYER_QUEUE_URL'],
  layer: [...tableAndQueue, 'DRAYAGE_LAYER_QUEUE_URL'],
  api: [...tableAndQueue, 'DRAYAGE_API_SECRET', 'DRAYAGE_SNAPSHOT_BUCKET', 'DRAYAGE_WEBHOOK_SECRET'],
  schedule: [...tableAndQueue, 'DRAYAGE_DEAD_LETTER_QUEUE_URL', 'DRAYAGE_LAYER_DEAD_LETTER_QUEUE_URL'],
  reconcile: tableAndQueue,
  'registry-events': [...tableAndQueue, 'DRAYAGE_ACCOUNT', 'DRAYAGE_REGISTRY_EVENTS_QUEUE_URL'],
  snapshot: ['DRAYAGE_SNAPSHOT_BUCKET', 'DRAYAGE_TABLE'],
  'blob-mounting': [],
};

function environmentOf(of: typeof template, name: string): Record<string, unknown> {
  return (functionOf(of, name).properties.Environment as { Variables: Record<string, unknown> }).Variables;
}

describe('the functions', () => {
  it('are exactly these', () => {
    template.resourceCountIs('AWS::Lambda::Function', Object.keys(functions).length);
  });

  it.each(Object.entries(functions))('%s: runtime, architecture, timeout and memory', (name, expected) => {
    expect(functionOf(template, name).properties).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      ...expected,
    });
  });

  it.each(Object.keys(functions))('%s: its environment, and only what it needs', (name) => {
    const environment = environmentOf(template, name);
    expect(Object.keys(environment).sort()).toEqual([...shared, ...(own[name] ?? [])].sort());
    expect(environment).toMatchObject({
      NODE_OPTIONS: '--enable-source-maps',
      POWERTOOLS_METRICS_NAMESPACE: 'Drayage',
      POWERTOOLS_SERVICE_NAME: name,
    });
  });

  it.each(Object.keys(functions))('%s: its own log group, which is kept for a month', (name) => {
    const { LogGroup } = functionOf(template, name).properties.LoggingConfig as { LogGroup: { Ref: string } };
    expect(template.findResources('AWS::Logs::LogGroup')[LogGroup.Ref]?.Properties).toMatchObject({
      RetentionInDays: 30,
    });
  });

  it('read two different secrets', () => {
    expect(environmentOf(template, 'webhook').DRAYAGE_WEBHOOK_SECRET).not.toEqual(
      environmentOf(template, 'api').DRAYAGE_API_SECRET,
    );
  });

  it('take memory, log retention and additional environment variables from the props', () => {
    const other = mirrorTemplate(undefined, {
      mirrorMemorySize: 2_048,
      logRetention: RetentionDays.ONE_WEEK,
      environment: { AWS_ENDPOINT_URL_ECR: 'http://127.0.0.1:5000' },
    });
    for (const name of ['mirror', 'layer']) expect(functionOf(other, name).properties.MemorySize).toBe(2_048);
    other.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 7 });
    for (const name of Object.keys(functions)) {
      expect(environmentOf(other, name)).toMatchObject({ AWS_ENDPOINT_URL_ECR: 'http://127.0.0.1:5000' });
    }
  });
});

describe('the schedules', () => {
  it.each(['schedule', 'reconcile', 'snapshot'])(
    'run the %s function every minute and do not retry a failed run',
    (name) => {
      template.hasResourceProperties('AWS::Events::Rule', {
        ScheduleExpression: 'rate(1 minute)',
        State: 'ENABLED',
        Targets: [
          {
            Arn: { 'Fn::GetAtt': [functionOf(template, name).id, 'Arn'] },
            RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
          },
        ],
      });
    },
  );

  it('let only one snapshot be built at a time, unless the account’s limit is too low for that', () => {
    const concurrency = (of: typeof template, name: string) =>
      functionOf(of, name).properties.ReservedConcurrentExecutions;
    for (const name of Object.keys(functions))
      expect(concurrency(template, name)).toBe(name === 'snapshot' ? 1 : undefined);
    const other = mirrorTemplate(undefined, { reserveConcurrency: false });
    expect(concurrency(other, 'snapshot')).toBeUndefined();
  });

  it('reserve executions for webhooks if told to, and for no other', () => {
    const reserved = mirrorTemplate(undefined, { webhookConcurrency: 20 });
    for (const name of Object.keys(functions))
      expect(functionOf(reserved, name).properties.ReservedConcurrentExecutions).toBe(
        { webhook: 20, snapshot: 1 }[name],
      );
  });
});

describe('the stack', () => {
  it('outputs where everything is', () => {
    expect(Object.keys(template.toJSON().Outputs).sort()).toEqual([
      'ApiSecretArn',
      'ApiUrl',
      'DeadLetterQueueUrl',
      'LayerDeadLetterQueueUrl',
      'LayerQueueUrl',
      'QueueUrl',
      'TableName',
      'WebhookSecretArn',
      'WebhookUrls',
    ]);
  });
});
