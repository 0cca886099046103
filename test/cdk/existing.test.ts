import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AttributeType, type ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, it } from 'vitest';
import { ImageMirror } from '../../lib/image-mirror.ts';
import { type ImageMirrorProps, InvalidImageMirrorPropsError } from '../../lib/image-mirror-props.ts';
import { configOf, functionOf, statementsOf } from './mirror-template.ts';

type Existing = Pick<ImageMirrorProps, 'table' | 'secrets' | 'queue'>;

/** A mirror in somebody else's stack, with the resources that already exist there. */
function mirrorWith(existing: (stack: Stack) => Existing): Stack {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  const stack = new Stack(app, 'Theirs', { env: { region: 'eu-west-1', account: '111122223333' } });
  new ImageMirror(stack, 'Mirror', { config: configOf(), ...existing(stack) });
  return stack;
}

function problemsOf(existing: (stack: Stack) => Existing): readonly string[] {
  try {
    mirrorWith(existing);
  } catch (error) {
    if (error instanceof InvalidImageMirrorPropsError) return error.problems;
    throw error;
  }
  return [];
}

const functions = ['webhook', 'mirror', 'layer', 'api', 'schedule', 'reconcile', 'snapshot'];
const tableArn = (region = 'eu-west-1', account = '111122223333') =>
  `arn:aws:dynamodb:${region}:${account}:table/restored`;
const secretArn = (name: string, region = 'eu-west-1') =>
  `arn:aws:secretsmanager:${region}:111122223333:secret:${name}-AbCdEf`;
const secretOf = (stack: Stack, name: string, region?: string) =>
  Secret.fromSecretCompleteArn(stack, name, secretArn(name, region));

describe('a table and secrets that already exist', () => {
  it('are used by the functions, and no others are created', () => {
    const of = Template.fromStack(
      mirrorWith((stack) => ({
        table: Table.fromTableName(stack, 'Restored', 'restored'),
        secrets: { api: secretOf(stack, 'api'), webhooks: secretOf(stack, 'webhooks') },
      })),
    );
    of.resourceCountIs('AWS::DynamoDB::Table', 0);
    of.resourceCountIs('AWS::SecretsManager::Secret', 0);
    const { Variables } = functionOf(of, 'api').properties.Environment as {
      Variables: Record<string, string>;
    };
    expect(Variables).toMatchObject({
      DRAYAGE_TABLE: 'restored',
      DRAYAGE_API_SECRET: secretArn('api'),
      DRAYAGE_WEBHOOK_SECRET: secretArn('webhooks'),
    });
    for (const name of functions) {
      const tables = statementsOf(of, name).filter(({ actions }) => actions[0]?.startsWith('dynamodb:'));
      expect(tables.length).toBeGreaterThan(0);
      for (const { resources } of tables)
        expect(resources).toEqual(['arn:<AWS::Partition>:dynamodb:eu-west-1:111122223333:table/restored']);
    }
  });

  it('may be passed in separately', () => {
    const of = Template.fromStack(mirrorWith((stack) => ({ secrets: { api: secretOf(stack, 'api') } })));
    of.resourceCountIs('AWS::SecretsManager::Secret', 1);
    of.resourceCountIs('AWS::DynamoDB::Table', 1);
  });

  it('let the functions use the key of the table, but only through DynamoDB', () => {
    const keyArn = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
    const of = Template.fromStack(
      mirrorWith((stack) => ({
        table: Table.fromTableAttributes(stack, 'Restored', {
          tableArn: tableArn(),
          encryptionKey: Key.fromKeyArn(stack, 'Key', keyArn),
        }),
      })),
    );
    for (const name of functions) {
      const keys = statementsOf(of, name).filter(({ actions }) => actions[0]?.startsWith('kms:'));
      expect(keys).toMatchObject([
        {
          actions: expect.arrayContaining(['kms:Decrypt', 'kms:GenerateDataKey']),
          resources: [keyArn],
          conditions: { StringEquals: { 'kms:ViaService': 'dynamodb.eu-west-1.amazonaws.com' } },
        },
      ]);
    }
  });
});

describe('a table and secrets that cannot be used', () => {
  const tableAt = (arn: string) => (stack: Stack) => ({ table: Table.fromTableArn(stack, 'Restored', arn) });

  it('are refused if they are in another region or account', () => {
    expect(problemsOf(tableAt(tableArn()))).toEqual([]);
    expect(problemsOf(tableAt(tableArn('us-east-1', '444455556666')))).toEqual([
      'table: it is in us-east-1, and the stack is deployed into eu-west-1: use one in the same region',
      'table: it belongs to the account 444455556666, and the stack to 111122223333: use one in the same account',
    ]);
    expect(
      problemsOf((stack) => ({
        secrets: { webhooks: secretOf(stack, 'webhooks', 'us-east-1'), api: secretOf(stack, 'api') },
      })),
    ).toEqual([
      'secrets.webhooks: it is in us-east-1, and the stack is deployed into eu-west-1: the functions read secrets of their own region; replicate it there',
    ]);
  });

  it('are accepted if their place is known only at deployment', () => {
    const stack = new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'Anywhere');
    const table = Table.fromTableArn(stack, 'Restored', tableArn('us-east-1'));
    expect(() => new ImageMirror(stack, 'Mirror', { config: configOf(), table })).not.toThrow();
  });

  it('are refused if the table has other keys, or keeps everything', () => {
    const pk = { name: 'pk', type: AttributeType.STRING };
    const tableWith =
      (props: Omit<ConstructorParameters<typeof Table>[2], 'partitionKey'>) => (stack: Stack) => ({
        table: new Table(stack, 'Mine', { partitionKey: pk, ...props }) as ITable,
      });
    const sortKey = { name: 'sk', type: AttributeType.STRING };
    expect(problemsOf(tableWith({ sortKey, timeToLiveAttribute: 'expiresAt' }))).toEqual([]);
    expect(problemsOf(tableWith({ sortKey: { ...sortKey, type: AttributeType.NUMBER } }))).toEqual([
      'table: its keys are pk (S) and sk (N): they must be pk (S), the partition key, and sk (S), the sort key',
      expect.stringContaining("set timeToLiveAttribute: 'expiresAt'"),
    ]);
    expect(problemsOf(tableWith({ timeToLiveAttribute: 'expiresAt' }))).toEqual([
      expect.stringContaining('its keys are pk (S): they must be'),
    ]);
  });
});

describe('a queue that already exists', () => {
  const imported = (stack: Stack, name: string, place = 'eu-west-1:111122223333') =>
    Queue.fromQueueArn(stack, name, `arn:aws:sqs:${place}:${name}`);

  it('feeds the mirror function, and takes the jobs of the others', () => {
    const of = Template.fromStack(
      mirrorWith((stack) => ({
        queue: {
          queue: imported(stack, 'jobs.fifo'),
          deadLetterQueue: imported(stack, 'jobs-dead.fifo'),
        },
      })),
    );
    for (const { Properties } of Object.values(of.findResources('AWS::SQS::Queue')))
      expect(Properties.FifoQueue).toBeUndefined();
    const arn = 'arn:aws:sqs:eu-west-1:111122223333:jobs.fifo';
    of.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: arn,
      FunctionName: { Ref: functionOf(of, 'mirror').id },
    });
    for (const name of ['webhook', 'mirror', 'layer', 'api', 'schedule', 'reconcile'])
      expect(statementsOf(of, name)).toContainEqual(
        expect.objectContaining({
          actions: expect.arrayContaining(['sqs:SendMessage']),
          resources: expect.arrayContaining([arn]),
        }),
      );
    expect(statementsOf(of, 'schedule')).toContainEqual(
      expect.objectContaining({
        actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage'],
        resources: [`arn:aws:sqs:eu-west-1:111122223333:jobs-dead.fifo`],
      }),
    );
  });

  it('is refused if Lambda could not poll it, or would lose the order', () => {
    expect(
      problemsOf((stack) => ({
        queue: {
          queue: imported(stack, 'jobs', 'us-east-1:444455556666'),
          deadLetterQueue: imported(stack, 'jobs-dead.fifo'),
        },
      })),
    ).toEqual([
      'queue.queue: it is in us-east-1, and the stack is deployed into eu-west-1: use one in the same region',
      'queue.queue: it belongs to the account 444455556666, and the stack to 111122223333: use one in the same account',
      'queue.queue: it is a standard queue: use a FIFO queue, whose name ends in .fifo',
    ]);
    expect(
      problemsOf((stack) => ({
        queue: {
          queue: new Queue(stack, 'Mine', { fifo: true }),
          deadLetterQueue: new Queue(stack, 'MineToo', { fifo: true }),
        },
      })),
    ).toEqual([
      'queue.queue: its visibility timeout is 30 s: it must be at least 900 s, which is how long the mirror function may take',
      expect.stringContaining('queue.queue: it has no dead-letter queue: set deadLetterQueue'),
    ]);
  });
});
