import { CustomResource, Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { type FunctionDefaults, ServiceFunction } from './service-function.ts';

/**
 * Turns on the mounting of blobs in the ECR registry of the stack's region and account. The setting
 * belongs to the registry, and no CloudFormation type covers it. It stays on when the stack is
 * deleted.
 */
export class BlobMounting extends Construct {
  /** The setting: the functions that copy depend on it. */
  readonly setting: CustomResource;
  readonly function: ServiceFunction['function'];

  constructor(scope: Construct, id: string, props: FunctionDefaults) {
    super(scope, id);
    const handler = new ServiceFunction(this, 'Handler', {
      name: 'blob-mounting',
      description: 'turns on blob mounting in the ECR registry',
      timeout: Duration.seconds(60),
      // It needs 95 MB for one request at each deployment.
      memorySize: 256,
      ...props,
    });
    this.function = handler.function;
    this.function.addToRolePolicy(
      new PolicyStatement({ actions: ['ecr:GetAccountSetting', 'ecr:PutAccountSetting'], resources: ['*'] }),
    );
    acknowledge(
      handler,
      'AwsSolutions-IAM5[Resource::*]',
      'The setting belongs to the whole registry; its operations do not support resource-level permissions: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html',
    );
    this.setting = new CustomResource(this, 'Setting', {
      resourceType: 'Custom::BlobMounting',
      serviceToken: this.function.functionArn,
      // The function answers within a minute; without a limit, CloudFormation waits an hour for one
      // that died.
      serviceTimeout: Duration.minutes(5),
    });
    // Its permissions first: the policy is a separate resource. The function itself is named above.
    if (handler.function.role) this.setting.node.addDependency(handler.function.role);
  }
}
