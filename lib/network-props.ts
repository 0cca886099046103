import type { ISecurityGroup, ISubnet, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { AwsEndpointName } from '../core/config/aws-endpoint-names.ts';

/**
 * A VPC of the same app for the functions. `network` in mirror.yaml names an existing one instead.
 */
export interface NetworkProps {
  /**
   * The VPC that all functions run in.
   *
   * @default - the one that the configuration names; without that, the functions run outside any
   *   VPC
   */
  readonly vpc?: IVpc;

  /**
   * The functions' subnets within {@link vpc}. They must be private: a function has no public
   * address, so a route to an internet gateway does not help it.
   *
   * @default - those with a route to the internet through a NAT gateway, else the isolated ones
   */
  readonly vpcSubnets?: SubnetSelection;

  /**
   * Security groups of the functions, 1 to 5.
   *
   * @default - the mirror makes one, which only allows connections to the ports of HTTPS, of the
   *   proxy, and of the registries in the configuration
   */
  readonly securityGroups?: ISecurityGroup[];

  /**
   * Which VPC endpoints the stack makes in {@link vpc}: `create` for all that are needed, or the
   * names of some. A VPC takes one endpoint with private DNS for each service.
   *
   * @default - none: those that are needed must exist, or the subnets have a route to the internet
   */
  readonly vpcEndpoints?: 'create' | AwsEndpointName[];
}

/** Where functions run. */
export interface FunctionNetwork {
  readonly vpc: IVpc;
  readonly subnets: readonly ISubnet[];
  readonly securityGroups: readonly ISecurityGroup[];
}
