import { Stack, Token } from 'aws-cdk-lib';
import { Effect, type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { FunctionNetwork } from './network-props.ts';
import { regionalArn } from './registry-access.ts';

/**
 * Actions on all network interfaces, which can't be limited to resources.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
const lookActions = ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'];
const changeActions = [
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/**
 * Lets Lambda make the network interfaces of a function in a VPC: what the managed policy
 * AWSLambdaVPCAccessExecutionRole allows, without its access to all logs, and new interfaces only
 * in the function's subnets and security groups.
 *
 * Lambda itself makes these calls, with the function's role. The code of the function never needs
 * them, so they are denied to it; `lambda:SourceFunctionArn` is only there when the code calls. The
 * function's own ARN can't be named: the function needs these permissions before it exists. Nothing
 * but functions of this account can assume the role.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
 *
 * @param scope the function's construct; the accepted cdk-nag findings are recorded there
 */
export function grantNetworkInterfaces(scope: Construct, role: IRole, network: FunctionNetwork): void {
  const interfaces = regionalArn(scope, 'ec2', 'network-interface/*');
  const { partition, region, account } = Stack.of(scope);
  const ec2 = `arn:${partition}:ec2:${region}`;
  const subnets = network.subnets.map(({ subnetId }) => {
    if (Token.isUnresolved(subnetId)) return `${ec2}:${account}:subnet/${subnetId}`;
    acknowledgeSubnet(scope, subnetId);
    return `${ec2}:*:subnet/${subnetId}`;
  });
  const groups = network.securityGroups.map(
    ({ securityGroupId }) => `${ec2}:${account}:security-group/${securityGroupId}`,
  );
  const allow = (actions: string[], resources: string[]) =>
    role.addToPrincipalPolicy(new PolicyStatement({ actions, resources }));
  allow(lookActions, ['*']);
  allow(['ec2:CreateNetworkInterface'], [interfaces.arn, ...subnets, ...groups]);
  allow(changeActions, [interfaces.arn]);
  role.addToPrincipalPolicy(
    new PolicyStatement({
      effect: Effect.DENY,
      actions: [...lookActions, 'ec2:CreateNetworkInterface', ...changeActions],
      resources: ['*'],
      conditions: {
        ArnLike: { 'lambda:SourceFunctionArn': `arn:${partition}:lambda:${region}:${account}:function:*` },
      },
    }),
  );
  acknowledge(
    scope,
    'AwsSolutions-IAM5[Resource::*]',
    'ec2:DescribeNetworkInterfaces and ec2:DescribeSubnets do not support resource-level permissions, and ecr:GetAuthorizationToken does not either; the other statement on every resource denies: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html',
  );
  acknowledge(
    scope,
    `AwsSolutions-IAM5[Resource::${interfaces.readable}]`,
    'Lambda makes the network interfaces later, so their IDs are not known; the code of the function is denied the same actions.',
  );
}

/** A subnet may be shared by another account of the organization, whose ID is in its ARN then. */
function acknowledgeSubnet(scope: Construct, subnetId: string): void {
  const { readable } = regionalArn(scope, 'ec2', `subnet/${subnetId}`, '*');
  acknowledge(
    scope,
    `AwsSolutions-IAM5[Resource::${readable}]`,
    'The subnet has one ID in all accounts; the account in its ARN is that of its owner, which may share it: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing.html',
  );
}
