import {
  type ISecurityGroup,
  type ISubnet,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  Subnet,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { Config, NetworkConfig } from '../core/config/config.ts';
import { egressPorts } from './egress-ports.ts';
import { InvalidImageMirrorPropsError } from './image-mirror-props.ts';
import type { FunctionNetwork, NetworkProps } from './network-props.ts';
import { VpcEndpoints } from './vpc-endpoints.ts';

/** The network of a mirror's functions: security group and endpoints in a VPC that exists. */
export class MirrorNetwork extends Construct {
  /** What each function gets. */
  readonly functions: FunctionNetwork;

  /**
   * The network that the props or the configuration describe; undefined if the functions run
   * outside any VPC.
   *
   * @param scope the mirror
   */
  static of(scope: Construct, props: NetworkProps, config: Config): MirrorNetwork | undefined {
    if (props.vpc === undefined && config.network?.vpc === undefined) return undefined;
    return new MirrorNetwork(scope, 'Network', props, config);
  }

  /** @throws InvalidImageMirrorPropsError if there is no private subnet */
  private constructor(scope: Construct, id: string, props: NetworkProps, config: Config) {
    super(scope, id);
    const { network = {} } = config;
    const vpc = props.vpc ?? this.#existingVpc(network);
    const subnets = this.#subnets(vpc, props, network);
    const securityGroups = props.securityGroups ?? this.#securityGroups(vpc, config);
    this.functions = { vpc, subnets, securityGroups };
    new VpcEndpoints(this, 'Endpoints', {
      config,
      vpc,
      subnets,
      clients: securityGroups,
      routeTables: network.routeTables ?? subnets.map(({ routeTable }) => routeTable.routeTableId),
      make: props.vpcEndpoints ?? network.endpoints,
    });
  }

  /**
   * With listed subnets, nothing is looked up in the account: the template is made from the IDs.
   */
  #existingVpc({ vpc: vpcId = '', subnets }: NetworkConfig): IVpc {
    if (subnets === undefined) return Vpc.fromLookup(this, 'Vpc', { vpcId });
    return Vpc.fromVpcAttributes(this, 'Vpc', { vpcId, availabilityZones: ['not-looked-up'] });
  }

  #subnets(vpc: IVpc, { vpcSubnets }: NetworkProps, { subnets: ids, routeTables }: NetworkConfig): ISubnet[] {
    if (ids !== undefined) {
      // The CDK warns about a subnet without a route table; nothing here asks a subnet for its own.
      const routeTableId = routeTables?.[0] ?? 'not-listed';
      return ids.map((subnetId) => Subnet.fromSubnetAttributes(this, subnetId, { subnetId, routeTableId }));
    }
    const { subnets, hasPublic } = vpc.selectSubnets(vpcSubnets);
    if (!hasPublic && subnets.length > 0) return subnets;
    throw new InvalidImageMirrorPropsError([
      vpcSubnets === undefined
        ? `network: the VPC ${vpc.vpcId} has no private subnet, and a function in a public subnet can't reach the internet; add a private one, or list subnets`
        : 'vpcSubnets: they include public subnets, or there are none; a function in a public subnet can’t reach the internet, so select private ones, for example { subnetType: SubnetType.PRIVATE_WITH_EGRESS }',
    ]);
  }

  #securityGroups(vpc: IVpc, config: Config): ISecurityGroup[] {
    const ids = config.network?.securityGroups;
    if (ids !== undefined)
      return ids.map((group) => SecurityGroup.fromSecurityGroupId(this, group, group, { mutable: false }));
    const group = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'Drayage: where the functions may connect to',
      allowAllOutbound: false,
    });
    for (const [port, use] of egressPorts(config)) group.addEgressRule(Peer.anyIpv4(), Port.tcp(port), use);
    return [group];
  }
}
