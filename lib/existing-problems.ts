import { Arn, ArnFormat, type ResourceEnvironment, Token } from 'aws-cdk-lib';
import { AttributeType, CfnTable, type ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnQueue, type IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Config } from '../core/config/config.ts';
import type { ExistingSecrets } from './deployment-secrets.ts';
import { type ExistingQueue, visibilitySeconds } from './mirror-queue.ts';

/** Where a stack is deployed; a field is undefined if it is known only at deployment. */
export interface Deployment {
  readonly region?: string | undefined;
  readonly account?: string | undefined;
}

/** What a mirror can be given instead of creating it. */
export interface ExistingResources {
  readonly table?: ITable | undefined;
  readonly secrets?: ExistingSecrets | undefined;
  readonly queue?: ExistingQueue | undefined;
}

/**
 * Reasons why existing resources can't be used, as far as they are known before deployment. The
 * keys and attributes of an imported table are not known, nor is the visibility timeout of an
 * imported queue.
 */
export function existingProblems(
  { table, secrets = {}, queue }: ExistingResources,
  deployment: Deployment,
): string[] {
  const problems: string[] = [];
  if (table !== undefined)
    problems.push(...placeProblems('table', table.tableArn, table.env, deployment), ...shapeProblems(table));
  if (queue !== undefined) problems.push(...queueProblems(queue, deployment));
  for (const name of ['webhooks', 'api'] as const) {
    const secret = secrets[name];
    const region = secret && placeOf(secret.secretArn, secret.env).region;
    if (differs(region, deployment.region))
      problems.push(
        `secrets.${name}: it is in ${region}, and the stack is deployed into ${deployment.region}: the functions read secrets of their own region; replicate it there`,
      );
  }
  return problems;
}

/** Reasons why a key can't encrypt what the mirror stores, as far as they are known. */
export function keyProblems(
  { encryptionKey, config }: { encryptionKey?: IKey | undefined; config: Config },
  deployment: Deployment,
): string[] {
  const configured = config.encryption?.kmsKey;
  if (encryptionKey !== undefined && configured !== undefined)
    return [
      `encryptionKey: config encryption.kmsKey names ${configured}, too: remove one of them, since all is encrypted with one key`,
    ];
  const found =
    encryptionKey === undefined
      ? { name: 'config encryption.kmsKey', region: configured?.split(':')[3] }
      : { name: 'encryptionKey', region: placeOf(encryptionKey.keyArn, encryptionKey.env).region };
  if (!differs(found.region, deployment.region)) return [];
  return [
    `${found.name}: the key is in ${found.region}, and the stack is deployed into ${deployment.region}: use one in the same region`,
  ];
}

/**
 * The functions get only a table's name, which refers to a table in their own region and account,
 * and Lambda polls only queues of its own region and account.
 */
function placeProblems(
  name: string,
  arn: string,
  env: ResourceEnvironment,
  { region, account }: Deployment,
): string[] {
  const place = placeOf(arn, env);
  const problems: string[] = [];
  if (differs(place.region, region))
    problems.push(
      `${name}: it is in ${place.region}, and the stack is deployed into ${region}: use one in the same region`,
    );
  if (differs(place.account, account))
    problems.push(
      `${name}: it belongs to the account ${place.account}, and the stack to ${account}: use one in the same account`,
    );
  return problems;
}

/**
 * The location of something: for an import it is in the ARN, although the construct belongs to the
 * stack.
 */
function placeOf(arn: string, env: ResourceEnvironment): Deployment {
  return Token.isUnresolved(arn) ? env : Arn.split(arn, ArnFormat.NO_RESOURCE_NAME);
}

function differs(one: string | undefined, other: string | undefined): boolean {
  const isKnown = (value: string | undefined) => value !== undefined && !Token.isUnresolved(value);
  return isKnown(one) && isKnown(other) && one !== other;
}

/** Problems of a table that the same app creates. */
function shapeProblems(table: ITable): string[] {
  if (!(table instanceof Table)) return [];
  const { partitionKeys, sortKeys } = table.schemaV2();
  const keys = [...partitionKeys, ...sortKeys].map(({ name, type }) => `${name} (${type})`);
  const problems: string[] = [];
  if (keys.join() !== `pk (${AttributeType.STRING}),sk (${AttributeType.STRING})`)
    problems.push(
      `table: its keys are ${keys.join(' and ')}: they must be pk (S), the partition key, and sk (S), the sort key`,
    );
  const resource = table.node.defaultChild;
  const ttl = resource instanceof CfnTable ? resource.timeToLiveSpecification : undefined;
  if (ttl !== undefined && 'attributeName' in ttl && ttl.attributeName === 'expiresAt') return problems;
  return [
    ...problems,
    "table: items would never expire: set timeToLiveAttribute: 'expiresAt', which is when old jobs and unused digests are deleted",
  ];
}

function queueProblems({ queue, deadLetterQueue }: ExistingQueue, deployment: Deployment): string[] {
  const named: [name: string, queue: IQueue][] = [
    ['queue.queue', queue],
    ['queue.deadLetterQueue', deadLetterQueue],
  ];
  const problems = named.flatMap(([name, each]) => [
    ...placeProblems(name, each.queueArn, each.env, deployment),
    ...(each.fifo ? [] : [`${name}: it is a standard queue: use a FIFO queue, whose name ends in .fifo`]),
  ]);
  const resource = queue.node.defaultChild;
  if (!(resource instanceof CfnQueue)) return problems;
  // SQS's default.
  const { visibilityTimeout = 30 } = resource;
  if (!Token.isUnresolved(visibilityTimeout) && visibilityTimeout < visibilitySeconds)
    problems.push(
      `queue.queue: its visibility timeout is ${visibilityTimeout} s: it must be at least ${visibilitySeconds} s, which is how long the mirror function may take`,
    );
  if (resource.redrivePolicy === undefined)
    problems.push(
      'queue.queue: it has no dead-letter queue: set deadLetterQueue, so that a message whose function crashes each time ends up there',
    );
  return problems;
}
