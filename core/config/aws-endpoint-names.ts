/** The names of VPC endpoints that `network.endpoints` lists: `aws-endpoints.ts` says what for. */
export const awsEndpointNames = [
  'ecr.api',
  'ecr.dkr',
  'sqs',
  'secretsmanager',
  'events',
  'sts',
  'kms',
  's3',
  'dynamodb',
] as const;

export type AwsEndpointName = (typeof awsEndpointNames)[number];
