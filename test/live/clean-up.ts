import { DynamoDBClient, paginateListTables } from '@aws-sdk/client-dynamodb';
import { DeleteRepositoryCommand, ECRClient, paginateDescribeRepositories } from '@aws-sdk/client-ecr';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DeleteSecretCommand,
  paginateListSecrets,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Run } from './stack.ts';

/** Deletes the repositories of the run, with their images. */
export async function deleteRepositories({ name, region }: Run): Promise<void> {
  const ecr = new ECRClient({ region });
  try {
    for (const repositoryName of await repositoriesOf(ecr, name))
      await ecr.send(new DeleteRepositoryCommand({ repositoryName, force: true }));
  } finally {
    ecr.destroy();
  }
}

/** Only those below `name/`: never anybody else's. */
async function repositoriesOf(client: ECRClient, name: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { repositories = [] } of paginateDescribeRepositories({ client }, {}))
    names.push(...repositories.flatMap(({ repositoryName = '' }) => repositoryName));
  return names.filter((each) => each.startsWith(`${name}/`));
}

/** Deletes the login of the upstream, at once. */
export async function deleteUpstreamLogin({ name, region }: Run): Promise<void> {
  const secrets = new SecretsManagerClient({ region });
  try {
    await secrets.send(
      new DeleteSecretCommand({ SecretId: `${name}/upstream`, ForceDeleteWithoutRecovery: true }),
    );
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  } finally {
    secrets.destroy();
  }
}

/** What still has the run's name. Log groups and functions are the stack's, and go with it. */
export async function leftovers({ name, region }: Run): Promise<string[]> {
  const clients = {
    ecr: new ECRClient({ region }),
    dynamodb: new DynamoDBClient({ region }),
    secrets: new SecretsManagerClient({ region }),
    sqs: new SQSClient({ region }),
    s3: new S3Client({ region, forcePathStyle: true }),
  };
  const found: string[] = [];
  const add = (kind: string, each: string | undefined) => {
    if (each?.toLowerCase().includes(name)) found.push(`${kind} ${each}`);
  };
  try {
    for (const each of await repositoriesOf(clients.ecr, name)) add('ECR repository', each);
    for await (const { TableNames = [] } of paginateListTables({ client: clients.dynamodb }, {}))
      for (const each of TableNames) add('DynamoDB table', each);
    for await (const { SecretList = [] } of paginateListSecrets({ client: clients.secrets }, {}))
      for (const { Name, Tags = [] } of SecretList) {
        // CloudFormation names a secret by its logical id, and tags it with its stack.
        const isOurs = Tags.some(({ Value }) => Value === name);
        if (isOurs) found.push(`secret ${Name}`);
        else add('secret', Name);
      }
    const { QueueUrls = [] } = await clients.sqs.send(new ListQueuesCommand({ QueueNamePrefix: name }));
    for (const each of QueueUrls) add('SQS queue', each);
    const { Buckets = [] } = await clients.s3.send(new ListBucketsCommand({}));
    for (const { Name } of Buckets) add('S3 bucket', Name);
  } finally {
    for (const client of Object.values(clients)) client.destroy();
  }
  return found;
}
