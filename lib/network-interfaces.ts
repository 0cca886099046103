import { Stack } from 'aws-cdk-lib';
import { Effect, type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
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
 * AWSLambdaVPCAccessExecutionRole allows, in this region only, and without its access to all logs.
 * Lambda documents that the actions must be allowed on everything of EC2 (the resource "star slash
 * star"): a function whose role names the kind of resource may not be able to access the VPC. A
 * shared subnet belongs to another account, so the account is open, too.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
 *
 * Lambda itself makes these calls, with the function's role. The code of the function never needs
 * them, so they are denied to it; `lambda:SourceFunctionArn` is only there when the code calls. The
 * function's own ARN can't be named: the function needs these permissions before it exists. Nothing
 * but functions of this account can assume the role.
 *
 * @param scope the function's construct; the accepted cdk-nag findings are recorded there
 */
export function grantNetworkInterfaces(scope: Construct, role: IRole): void {
  const everything = regionalArn(scope, 'ec2', '*/*', '*');
  const { partition, region, account } = Stack.of(scope);
  const changes = ['ec2:CreateNetworkInterface', ...changeActions];
  const allow = (actions: string[], resources: string[]) =>
    role.addToPrincipalPolicy(new PolicyStatement({ actions, resources }));
  allow(lookActions, ['*']);
  allow(changes, [everything.arn]);
  role.addToPrincipalPolicy(
    new PolicyStatement({
      effect: Effect.DENY,
      actions: [...lookActions, ...changes],
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
    `AwsSolutions-IAM5[Resource::${everything.readable}]`,
    'Lambda makes the network interfaces later, and documents that it needs these actions on all resources; the code of the function is denied the same actions: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html',
  );
}
