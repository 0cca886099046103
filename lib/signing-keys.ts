import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Config } from '../core/config/config.ts';
import { acknowledge } from './acknowledge.ts';
import { regionalArn } from './registry-access.ts';

/**
 * Allow reading the public keys of AWS KMS that rules verify signatures with. The policy of a key
 * of another account must allow it as well.
 *
 * @param scope a construct that holds the grantee's policy
 * @param grantee who verifies
 * @param config the configuration
 */
export function grantSigningKeys(scope: Construct, grantee: IGrantable, config: Config): void {
  for (const name of new Set(signingKeys(config))) {
    const alias = /(?:^|:)(alias\/.+)$/.exec(name)?.[1];
    if (alias === undefined) {
      allow(grantee, { resources: [name] });
      continue;
    }
    // A policy cannot name an alias as its resource; a condition on the key's aliases can.
    // https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
    const prefix = name.slice(0, -alias.length);
    const anyKey =
      prefix === ''
        ? regionalArn(scope, 'kms', 'key/*')
        : { arn: `${prefix}key/*`, readable: `${prefix}key/*` };
    allow(grantee, {
      resources: [anyKey.arn],
      conditions: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } },
    });
    acknowledge(
      scope,
      `AwsSolutions-IAM5[Resource::${anyKey.readable}]`,
      'The key is configured by its alias, which only a condition can name: the statement applies to the key with that alias, and only to its public half.',
    );
  }
}

function allow(
  { grantPrincipal }: IGrantable,
  statement: { resources: string[]; conditions?: Record<string, unknown> },
): void {
  grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions: ['kms:GetPublicKey'], ...statement }));
}

/** The keys of AWS KMS that rules name. */
function signingKeys({ upstreams }: Config): string[] {
  return upstreams.flatMap(({ repositories }) =>
    repositories.flatMap(({ verify }) =>
      (verify?.requirements ?? []).flatMap(({ authority }) =>
        authority.kind === 'kms' ? [authority.key] : [],
      ),
    ),
  );
}
