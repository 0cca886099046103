import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Accept one cdk-nag finding on a construct and everything below it. `cdk synth` fails on every
 * finding that is not accepted here.
 *
 * @param scope the construct that the finding is about, or the closest one to it
 * @param rule the rule, with the finding in brackets if a rule reports several, for example
 *   `AwsSolutions-IAM5[Resource::*]`
 * @param reason why it is right here; it goes into the template's metadata, so write it for an
 *   auditor
 * @throws Error if the reason is too short
 */
export function acknowledge(scope: IConstruct, rule: string, reason: string): void {
  if (reason.trim().length < 20) {
    throw new Error(`${rule} at ${scope.node.path}: give a reason why the finding is accepted`);
  }
  Validations.of(scope).acknowledge({ id: rule, reason });
}
