import { Annotations } from 'aws-cdk-lib';
import {
  CfnVPCEndpoint,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  type ISecurityGroup,
  type ISubnet,
  type IVpc,
  Port,
  SecurityGroup,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { AwsEndpointName } from '../core/config/aws-endpoint-names.ts';
import { type AwsEndpoint, neededEndpoints } from '../core/config/aws-endpoints.ts';
import type { Config } from '../core/config/config.ts';

/** Settings of {@link VpcEndpoints}. */
export interface VpcEndpointsProps {
  readonly config: Config;
  readonly vpc: IVpc;
  /** The functions' subnets: interface endpoints get an address in each. */
  readonly subnets: readonly ISubnet[];
  /** Who may connect to the interface endpoints. */
  readonly clients: readonly ISecurityGroup[];
  /** Who gets routes to the gateway endpoints. */
  readonly routeTables: readonly string[];
  /** Which ones are made. */
  readonly make: 'create' | readonly AwsEndpointName[] | undefined;
}

/**
 * The VPC endpoints through which functions without a route to the internet reach AWS: those that
 * are asked for. Synth names the others, which must exist already unless there is such a route.
 */
export class VpcEndpoints extends Construct {
  constructor(scope: Construct, id: string, { config, make = [], ...props }: VpcEndpointsProps) {
    super(scope, id);
    const needed = neededEndpoints(config);
    const made = needed.filter(({ service }) => make === 'create' || make.includes(service));
    const others = needed.filter((endpoint) => !made.includes(endpoint));
    if (others.length > 0)
      Annotations.of(this).addInfoV2(
        'drayage:vpc-endpoints',
        `the stack does not make these VPC endpoints: ${others.map(({ service }) => service).join(', ')}. They must exist in the VPC unless the functions’ subnets have a route to the internet; network.endpoints in mirror.yaml makes them`,
      );
    this.#makeInterfaces(made, props);
    for (const { service, kind } of made)
      if (kind === 'gateway')
        new CfnVPCEndpoint(this, service, {
          vpcId: props.vpc.vpcId,
          serviceName: new GatewayVpcEndpointAwsService(service).name,
          vpcEndpointType: 'Gateway',
          routeTableIds: [...new Set(props.routeTables)],
        });
  }

  #makeInterfaces(
    made: readonly AwsEndpoint[],
    { vpc, subnets, clients }: Pick<VpcEndpointsProps, 'vpc' | 'subnets' | 'clients'>,
  ): void {
    const interfaces = made.filter(({ kind }) => kind === 'interface');
    if (interfaces.length === 0) return;
    const group = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'Drayage: lets the functions connect to VPC endpoints',
      allowAllOutbound: false,
    });
    for (const client of clients) group.addIngressRule(client, Port.tcp(443), 'from the functions');
    for (const { service } of interfaces)
      new CfnVPCEndpoint(this, service, {
        vpcId: vpc.vpcId,
        serviceName: new InterfaceVpcEndpointAwsService(service).name,
        vpcEndpointType: 'Interface',
        privateDnsEnabled: true,
        subnetIds: subnets.map(({ subnetId }) => subnetId),
        securityGroupIds: [group.securityGroupId],
      });
  }
}
