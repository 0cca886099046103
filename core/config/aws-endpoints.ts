import type { AwsEndpointName } from './aws-endpoint-names.ts';
import type { Config } from './config.ts';

/** A service of AWS that the functions call, and how a VPC reaches it without the internet. */
export interface AwsEndpoint {
  /** What follows `com.amazonaws.<region>.` in the endpoint's name. */
  readonly service: AwsEndpointName;
  /** `gateway` endpoints are free and need route tables; `interface` endpoints cost by the hour. */
  readonly kind: 'interface' | 'gateway';
  /** The client whose requests go there. */
  readonly client: string;
  /** What the functions do there. */
  readonly use: string;
  /** Whether a configuration needs it; absent: every one does. */
  readonly isNeeded?: (config: Config) => boolean;
}

/**
 * All endpoints that the functions may need. Logs and the messages of queues need none: Lambda
 * itself writes and fetches them, outside the VPC. `docs/private-networking.md` has the same table.
 * https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
 */
export const awsEndpoints: readonly AwsEndpoint[] = [
  {
    service: 'ecr.api',
    kind: 'interface',
    client: '@aws-sdk/client-ecr',
    use: 'creates repositories, asks for layers, images, scans and registry tokens',
  },
  {
    service: 'ecr.dkr',
    kind: 'interface',
    client: '@aws-sdk/client-ecr',
    use: 'pushes images over the registry protocol',
  },
  {
    service: 'sqs',
    kind: 'interface',
    client: '@aws-sdk/client-sqs',
    use: 'queues jobs and layers',
  },
  {
    service: 'secretsmanager',
    kind: 'interface',
    client: '@aws-sdk/client-secrets-manager',
    use: 'reads the deployment’s secrets and credentials for upstreams',
  },
  {
    service: 'events',
    kind: 'interface',
    client: '@aws-sdk/client-eventbridge',
    use: 'tells what was mirrored, failed or removed',
  },
  {
    service: 'sts',
    kind: 'interface',
    client: '@aws-sdk/client-sts',
    use: 'assumes the roles of upstreams with `type: ecr`',
    isNeeded: ({ upstreams }) =>
      upstreams.some(({ credentials }) => credentials !== undefined && 'roleArn' in credentials),
  },
  {
    service: 'kms',
    kind: 'interface',
    client: '@aws-sdk/client-kms',
    use: 'reads the public keys of rules that verify with `awskms:///`',
    isNeeded: ({ upstreams }) =>
      upstreams.some(({ repositories }) =>
        repositories.some(({ verify }) =>
          verify?.requirements.some(({ authority }) => authority.kind === 'kms'),
        ),
      ),
  },
  {
    service: 's3',
    kind: 'gateway',
    client: '@aws-sdk/client-s3',
    use: 'stores the snapshot, reads layers of ECR, answers CloudFormation',
  },
  {
    service: 'dynamodb',
    kind: 'gateway',
    client: '@aws-sdk/client-dynamodb',
    use: 'reads and writes mappings and jobs',
  },
];

/** The endpoints that a configuration needs if its functions have no route to the internet. */
export function neededEndpoints(config: Config): AwsEndpoint[] {
  return awsEndpoints.filter(({ isNeeded }) => isNeeded?.(config) ?? true);
}
