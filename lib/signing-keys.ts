import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Config } from '../core/config/config.ts';
import { grantKmsKey } from './registry-access.ts';

/**
 * Allow reading the public keys of AWS KMS that rules verify signatures with. The policy of a key
 * of another account must allow it as well.
 *
 * @param scope a construct that holds the grantee's policy
 * @param grantee who verifies
 * @param config the configuration
 */
export function grantSigningKeys(scope: Construct, grantee: IGrantable, config: Config): void {
  for (const key of new Set(signingKeys(config)))
    grantKmsKey(scope, grantee, {
      key,
      actions: ['kms:GetPublicKey'],
      limit: 'only to its public half',
    });
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
