import { type PolicyValidationPluginReport, type Stage, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';

/**
 * Check a CDK app against the AWS Solutions rules whenever it is synthesised. Every finding that is
 * not accepted at its source (`acknowledge`) stops the synthesis.
 *
 * @param app the app, or a stage of it
 */
export function addSecurityChecks(app: Stage): void {
  Validations.of(app).addPlugins(new StrictSolutionsChecks(app, { verbose: true }));
}

/**
 * The AWS Solutions rules, with warnings such as a table without backups as errors: the CDK lets
 * warnings pass.
 */
class StrictSolutionsChecks extends AwsSolutionsChecks {
  override validateScope(scope: IConstruct): PolicyValidationPluginReport {
    const { violations, ...report } = super.validateScope(scope);
    return { ...report, violations: violations.map((violation) => ({ ...violation, severity: 'error' })) };
  }
}
