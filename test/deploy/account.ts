import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { credentials, stackName } from './cdk.ts';

/** What one region of the account holds of the stack. */
export interface Holdings {
  tables: string[];
  secrets: string[];
  buckets: string[];
  queues: string[];
  rules: string[];
  functions: string[];
}

/** Lists what a region holds, whatever made it; names in order, secrets by their ARNs. */
export async function holdings(endpoint: string, region: string): Promise<Holdings> {
  const aws = { endpoint, region, credentials };
  const dynamodb = new DynamoDBClient(aws);
  const secrets = new SecretsManagerClient(aws);
  const s3 = new S3Client({ ...aws, forcePathStyle: true });
  const sqs = new SQSClient(aws);
  const events = new EventBridgeClient(aws);
  try {
    const ours = (names: (string | undefined)[] = []) =>
      names
        .filter((name): name is string => name?.toLowerCase().includes(stackName.toLowerCase()) ?? false)
        .sort();
    const every = (names: (string | undefined)[] = []) =>
      names.filter((name): name is string => name !== undefined).sort();
    return {
      tables: every((await dynamodb.send(new ListTablesCommand({}))).TableNames),
      secrets: every((await secrets.send(new ListSecretsCommand({}))).SecretList?.map(({ ARN }) => ARN)),
      // Others are the CDK's own.
      buckets: ours((await s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name)),
      queues: every((await sqs.send(new ListQueuesCommand({}))).QueueUrls),
      rules: every((await events.send(new ListRulesCommand({}))).Rules?.map(({ Name }) => Name)),
      functions: await functionsIn(endpoint, region),
    };
  } finally {
    for (const client of [dynamodb, secrets, s3, sqs, events]) client.destroy();
  }
}

/** Lambda's list. MiniStack reads only the region from the signature, and checks nothing. */
async function functionsIn(endpoint: string, region: string): Promise<string[]> {
  const scope = `${credentials.accessKeyId}/20260101/${region}/lambda/aws4_request`;
  const answer = await fetch(`${endpoint}/2015-03-31/functions/`, {
    headers: { authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0` },
  });
  if (!answer.ok) throw new Error(`the list of functions was answered ${answer.status}`);
  const { Functions } = (await answer.json()) as { Functions: { FunctionName: string }[] };
  return Functions.map(({ FunctionName }) => FunctionName).sort();
}
