import { Stack, Token } from 'aws-cdk-lib';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { MirrorConfig } from '../core/config/config.ts';
import { acknowledge } from './acknowledge.ts';

/**
 * What the layer function does in ECR: it checks, mounts and pushes blobs, and recreates a
 * repository that has been deleted meanwhile. It can't put an image. Pushing goes over the registry
 * protocol, whose requests need the permissions of the API's operations; mounting needs
 * `GetDownloadUrlForLayer` on the repository that has the blob.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/blob-mounting.html
 */
export const layerActions = [
  'ecr:CreateRepository',
  'ecr:BatchCheckLayerAvailability',
  'ecr:InitiateLayerUpload',
  'ecr:UploadLayerPart',
  'ecr:CompleteLayerUpload',
  'ecr:GetDownloadUrlForLayer',
];

/** What the mirror function does in ECR: all that, and it reads and puts manifests. */
export const mirrorActions = [...layerActions, 'ecr:PutImage', 'ecr:BatchGetImage'];

/**
 * What keeping a repository's settings in line does in ECR: it reads them, and changes what is not
 * as configured. None of this reads, changes or deletes an image.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
 */
export const settingsActions = [
  'ecr:DescribeRepositories',
  'ecr:PutImageScanningConfiguration',
  'ecr:PutImageTagMutability',
  'ecr:GetRepositoryPolicy',
  'ecr:SetRepositoryPolicy',
  'ecr:DeleteRepositoryPolicy',
  'ecr:GetLifecyclePolicy',
  'ecr:PutLifecyclePolicy',
  'ecr:DeleteLifecyclePolicy',
];

/** The same for tags. Creating a repository with tags needs `TagResource`, too. */
const tagActions = ['ecr:ListTagsForResource', 'ecr:TagResource'];

/**
 * Allow copying into the mirror: only the repositories below the configured prefix, in the stack's
 * region and account.
 *
 * @param scope a construct that holds the grantee's policy; the accepted cdk-nag findings are
 *   recorded there
 * @param grantee who copies
 * @param mirror the configuration's `mirror`
 * @param actions what the grantee does there: {@link mirrorActions} or {@link layerActions}
 */
export function grantMirrorAccess(
  scope: Construct,
  grantee: IGrantable,
  mirror: MirrorConfig,
  actions: string[],
): void {
  const repositories = mirrorRepositories(scope, mirror);
  const creating = mirror.repository.tags ? ['ecr:TagResource'] : [];
  allow(grantee, { actions: [...actions, ...creating], resources: [repositories.arn] });
  acknowledgeRepositories(scope, repositories.readable);

  allow(grantee, { actions: ['ecr:GetAuthorizationToken'], resources: ['*'] });
  acknowledge(
    scope,
    'AwsSolutions-IAM5[Resource::*]',
    'ecr:GetAuthorizationToken does not support resource-level permissions: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html',
  );

  const { encryption } = mirror.repository;
  if (encryption.type === 'KMS') grantRepositoryKey(scope, grantee, encryption.kmsKey);
}

/**
 * Allow keeping the settings of the mirror's repositories as the configuration has them.
 *
 * @param scope a construct that holds the grantee's policy
 * @param grantee who keeps them
 * @param mirror the configuration's `mirror`
 */
export function grantMirrorSettings(scope: Construct, grantee: IGrantable, mirror: MirrorConfig): void {
  const repositories = mirrorRepositories(scope, mirror);
  const actions = [...settingsActions, ...(mirror.repository.tags ? tagActions : [])];
  allow(grantee, { actions, resources: [repositories.arn] });
  acknowledgeRepositories(scope, repositories.readable);
}

/**
 * Allow looking at the images of the mirror, but not pulling them.
 *
 * @param scope a construct that holds the grantee's policy
 * @param grantee who looks
 * @param mirror the configuration's `mirror`
 */
export function grantMirrorLook(scope: Construct, grantee: IGrantable, mirror: MirrorConfig): void {
  const repositories = mirrorRepositories(scope, mirror);
  allow(grantee, { actions: ['ecr:DescribeImages'], resources: [repositories.arn] });
  acknowledgeRepositories(scope, repositories.readable);
}

/**
 * Allow asking for the scans of the mirror's images, and beginning one.
 *
 * @param scope a construct that holds the grantee's policy
 * @param grantee who asks
 * @param mirror the configuration's `mirror`
 */
export function grantMirrorScans(scope: Construct, grantee: IGrantable, mirror: MirrorConfig): void {
  const repositories = mirrorRepositories(scope, mirror);
  const actions = ['ecr:DescribeImageScanFindings', 'ecr:StartImageScan'];
  allow(grantee, { actions, resources: [repositories.arn] });
  acknowledgeRepositories(scope, repositories.readable);
}

/**
 * Allow listing the mirror's repositories: a pattern covers what the mirror has. ECR lists only the
 * whole registry's, and checks that as access to all repositories.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html
 *
 * @param scope a construct that holds the grantee's policy
 * @param grantee who lists them
 */
export function grantRepositoryList(scope: Construct, grantee: IGrantable): void {
  const all = regionalArn(scope, 'ecr', 'repository/*');
  allow(grantee, { actions: ['ecr:DescribeRepositories'], resources: [all.arn] });
  acknowledge(
    scope,
    `AwsSolutions-IAM5[Resource::${all.readable}]`,
    'ECR lists repositories only for a whole registry. What is listed are names and settings, no images.',
  );
}

/**
 * Allow looking at the images of the mirror and their manifests, and deleting them.
 *
 * @param scope a construct that holds the grantee's policy
 * @param grantee who cleans up
 * @param mirror the configuration's `mirror`
 */
export function grantMirrorCleaning(scope: Construct, grantee: IGrantable, mirror: MirrorConfig): void {
  const repositories = mirrorRepositories(scope, mirror);
  const actions = ['ecr:DescribeImages', 'ecr:BatchGetImage', 'ecr:BatchDeleteImage'];
  allow(grantee, { actions, resources: [repositories.arn] });
  acknowledgeRepositories(scope, repositories.readable);
}

/**
 * Allow creating repositories that a customer managed key encrypts: ECR describes the key and
 * creates its grants on behalf of the repository's creator. Pushing and pulling then need no key
 * permissions. https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
 */
function grantRepositoryKey(scope: Construct, grantee: IGrantable, key: string): void {
  grantKmsKey(scope, grantee, {
    key,
    actions: ['kms:DescribeKey', 'kms:CreateGrant', 'kms:RetireGrant'],
    conditions: {
      StringEquals: { 'kms:ViaService': `ecr.${Stack.of(scope).region}.amazonaws.com` },
    },
    limit: 'only through ECR',
  });
}

/** What is allowed with a key of AWS KMS. */
export interface KmsKeyAccess {
  /** Its ID, an alias (`alias/…`), or the ARN of either. */
  key: string;
  actions: string[];
  conditions?: Record<string, Record<string, string>>;
  /** Completes the reason why a statement for all keys applies to the one with the alias alone. */
  limit: string;
}

/**
 * Allow the use of a key of AWS KMS.
 *
 * @param scope a construct that holds the grantee's policy
 * @param grantee who uses it
 */
export function grantKmsKey(
  scope: Construct,
  grantee: IGrantable,
  { key, actions, conditions, limit }: KmsKeyAccess,
): void {
  const prefix = /^arn:(?:[^:]*:){4}/.exec(key)?.[0];
  const resource = key.slice(prefix?.length ?? 0);
  const arnOf = (of: string) =>
    prefix === undefined ? regionalArn(scope, 'kms', of) : { arn: prefix + of, readable: prefix + of };

  if (!resource.startsWith('alias/')) {
    const { arn } = arnOf(resource.startsWith('key/') ? resource : `key/${resource}`);
    allow(grantee, { actions, resources: [arn], ...(conditions && { conditions }) });
    return;
  }
  // A policy cannot name an alias as its resource; a condition on the key's aliases can.
  // https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
  const anyKey = arnOf('key/*');
  allow(grantee, {
    actions,
    resources: [anyKey.arn],
    conditions: { ...conditions, 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': resource } },
  });
  acknowledge(
    scope,
    `AwsSolutions-IAM5[Resource::${anyKey.readable}]`,
    `The key is configured by its alias, which only a condition can name: the statement applies to the key with that alias, and ${limit}.`,
  );
}

function mirrorRepositories(scope: Construct, { repositoryPrefix }: MirrorConfig) {
  return regionalArn(scope, 'ecr', `repository/${repositoryPrefix}/*`);
}

function acknowledgeRepositories(scope: Construct, readable: string): void {
  acknowledge(
    scope,
    `AwsSolutions-IAM5[Resource::${readable}]`,
    'Mirror repositories are created when an image first needs them, so only their prefix is known at deployment.',
  );
}

interface Permission {
  actions: string[];
  resources: string[];
  conditions?: Record<string, Record<string, string>>;
}

function allow(grantee: IGrantable, permission: Permission): void {
  grantee.grantPrincipal.addToPrincipalPolicy(new PolicyStatement(permission));
}

/**
 * An ARN in the stack's region and (by default) account, and the way cdk-nag spells it:
 * `<AWS::Partition>` for values that are not known yet.
 */
export function regionalArn(
  scope: Construct,
  service: string,
  resource: string,
  account = Stack.of(scope).account,
): { arn: string; readable: string } {
  const { partition, region } = Stack.of(scope);
  const spelled = (value: string, name: string) => (Token.isUnresolved(value) ? `<AWS::${name}>` : value);
  const known = [
    spelled(partition, 'Partition'),
    service,
    spelled(region, 'Region'),
    spelled(account, 'AccountId'),
  ];
  return {
    arn: ['arn', partition, service, region, account, resource].join(':'),
    readable: ['arn', ...known, resource].join(':'),
  };
}
