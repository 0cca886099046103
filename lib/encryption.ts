import { Stack } from 'aws-cdk-lib';
import { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import { type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnBucket } from 'aws-cdk-lib/aws-s3';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct, IConstruct } from 'constructs';
import { tableKeyActions } from './mirror-table.ts';
import type { FunctionName } from './service-function.ts';

type Service = 'dynamodb' | 'sqs' | 's3' | 'secretsmanager';

/** Through which services each function uses the key. */
const services: Readonly<Record<FunctionName, readonly Service[]>> = {
  webhook: ['dynamodb', 'sqs', 'secretsmanager'],
  mirror: ['dynamodb', 'sqs'],
  layer: ['dynamodb', 'sqs'],
  api: ['dynamodb', 'sqs', 's3', 'secretsmanager'],
  schedule: ['dynamodb', 'sqs'],
  reconcile: ['dynamodb', 'sqs'],
  retention: ['dynamodb'],
  'registry-events': ['dynamodb', 'sqs'],
  snapshot: ['dynamodb', 's3'],
  notify: ['sqs'],
  'blob-mounting': [],
};

/**
 * What each service does with the key in the name of its caller.
 *
 * - https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
 * - https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
 * - https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
 */
const keyActions: Readonly<Record<Service, readonly string[]>> = {
  dynamodb: tableKeyActions,
  sqs: ['kms:Decrypt', 'kms:GenerateDataKey'],
  s3: ['kms:Decrypt', 'kms:GenerateDataKey'],
  secretsmanager: ['kms:Decrypt'],
};

/**
 * Encrypts all that the mirror stores with one customer managed key: table, queues, bucket, secrets
 * and log groups. None of this replaces a resource. What exists already stays readable, since each
 * service remembers the key that it encrypted with. What was passed in (a table, secrets) keeps its
 * own encryption.
 *
 * The key's policy gets the statements that EventBridge and CloudWatch Logs need, unless the key is
 * imported: then its owner adds them (docs/security.md).
 *
 * @param mirror the construct that contains all of it, when it is complete
 * @param key a symmetric key in the same region
 * @param functions the functions, by name
 */
export function encryptWith(
  mirror: Construct,
  key: IKey,
  functions: Readonly<Partial<Record<FunctionName, IGrantable>>>,
): void {
  for (const resource of mirror.node.findAll()) encrypt(resource, key.keyArn);
  const { region } = Stack.of(mirror);
  for (const [name, grantee] of Object.entries(functions) as [FunctionName, IGrantable][]) {
    const used = services[name];
    if (used.length === 0) continue;
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: [...new Set(used.flatMap((service) => keyActions[service]))],
        resources: [key.keyArn],
        conditions: {
          StringEquals: { 'kms:ViaService': used.map((service) => `${service}.${region}.amazonaws.com`) },
        },
      }),
    );
  }
  for (const statement of keyPolicy(mirror)) key.addToResourcePolicy(statement);
}

function encrypt(resource: IConstruct, key: string): void {
  if (resource instanceof CfnTable) {
    resource.sseSpecification = { sseEnabled: true, sseType: 'KMS', kmsMasterKeyId: key };
  } else if (resource instanceof CfnQueue) {
    // On the resource: with the key on the queue, the CDK allows any rule of the account to send.
    // https://github.com/aws/aws-cdk/issues/11158
    resource.sqsManagedSseEnabled = undefined;
    resource.kmsMasterKeyId = key;
  } else if (resource instanceof CfnBucket) {
    resource.bucketEncryption = {
      serverSideEncryptionConfiguration: [
        {
          bucketKeyEnabled: true,
          serverSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: key },
        },
      ],
    };
  } else if (resource instanceof CfnSecret || resource instanceof CfnLogGroup) {
    resource.kmsKeyId = key;
  }
}

/**
 * What services do with the key in their own name: EventBridge sends to queues, and CloudWatch Logs
 * encrypts log groups of this account.
 *
 * - https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html#compatibility-with-aws-services
 * - https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
 */
function keyPolicy(mirror: Construct): PolicyStatement[] {
  const { partition, region, account } = Stack.of(mirror);
  return [
    new PolicyStatement({
      sid: 'DrayageEvents',
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:SourceAccount': account } },
    }),
    new PolicyStatement({
      sid: 'DrayageLogs',
      principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
      actions: [
        'kms:Encrypt',
        'kms:Decrypt',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
        'kms:GenerateDataKey',
        'kms:DescribeKey',
      ],
      resources: ['*'],
      conditions: {
        ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:*` },
      },
    }),
  ];
}
