import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Accept one cdk-nag finding on a construct and everything below it. `cdk synth` fails on every
 * finding that is not accepted here.
 *
 * @param scope the construct that the finding is about, as near to it as possible
 * @param rule the rule, with the finding in brackets where a rule reports several, for example
 *   `AwsSolutions-IAM5[Resource::*]`
 * @param reason why it is right here; it is written into the template's metadata, so say it to an
 *   auditor
 * @throws Error when the reason is too short to be one
 */
export function acknowledge(scope: IConstruct, rule: string, reason: string): void {
  if (reason.trim().length < 20) {
    throw new Error(`${rule} at ${scope.node.path}: write down why the finding is accepted`);
  }
  Validations.of(scope).acknowledge({ id: rule, reason });
}
