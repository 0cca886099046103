import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { Config } from '../core/config/config.ts';

/**
 * Allow reading the secrets, and assuming the roles, that the configuration names for logging in to
 * upstreams. The operator creates the secrets in the stack's region and account; if a customer
 * managed key encrypts one, that key's policy also needs a statement. A role's trust policy must
 * name this account (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-user.html).
 *
 * @param scope where the imported secrets are created
 * @param grantee who copies
 * @param config the configuration
 */
export function grantUpstreamCredentials(scope: Construct, grantee: IGrantable, config: Config): void {
  const names = config.upstreams.flatMap(({ credentials }) =>
    credentials !== undefined && 'secret' in credentials ? [credentials.secret] : [],
  );
  for (const name of new Set(names)) {
    importSecret(scope, `Credentials-${name}`, name).grantRead(grantee);
  }
  const roles = config.upstreams.flatMap(({ credentials }) =>
    credentials !== undefined && 'roleArn' in credentials ? [credentials.roleArn] : [],
  );
  if (roles.length === 0) return;
  Grant.addToPrincipal({
    grantee,
    actions: ['sts:AssumeRole'],
    resourceArns: [...new Set(roles)],
  }).assertSuccess();
}

/**
 * Allow reading the secrets that the endpoints of `notify` are signed with. The operator creates
 * them, as {@link grantUpstreamCredentials} says.
 *
 * @param scope where the imported secrets are created
 * @param grantee who sends the webhooks
 * @param config the configuration
 */
export function grantNotifySecrets(scope: Construct, grantee: IGrantable, config: Config): void {
  for (const name of new Set(config.notify?.map(({ secret }) => secret))) {
    importSecret(scope, `Notify-${name}`, name).grantRead(grantee);
  }
}

/** A complete ARN ends in a hyphen and six characters that Secrets Manager adds to the name. */
function importSecret(scope: Construct, id: string, name: string): ISecret {
  if (!name.startsWith('arn:')) return Secret.fromSecretNameV2(scope, id, name);
  if (/-[A-Za-z0-9]{6}$/.test(name)) return Secret.fromSecretCompleteArn(scope, id, name);
  return Secret.fromSecretPartialArn(scope, id, name);
}
