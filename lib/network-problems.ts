import { Token } from 'aws-cdk-lib';
import { neededEndpoints } from '../core/config/aws-endpoints.ts';
import type { Config, NetworkConfig } from '../core/config/config.ts';
import type { Deployment } from './existing-problems.ts';
import type { NetworkProps } from './network-props.ts';

/** Reasons why the functions can't run in the VPC that the props or the configuration name. */
export function networkProblems(props: NetworkProps, config: Config, deployment: Deployment): string[] {
  const { network = {} } = config;
  return [
    ...propProblems(props, network),
    ...lookupProblems(network, deployment),
    ...endpointProblems(props, config),
  ];
}

function propProblems(
  { vpc, vpcSubnets, securityGroups, vpcEndpoints }: NetworkProps,
  network: NetworkConfig,
) {
  const problems: string[] = [];
  if (vpc !== undefined && network.vpc !== undefined)
    problems.push(
      `vpc: the configuration names one too (config network.vpc: ${network.vpc}); remove one of them, with the keys that belong to it`,
    );
  const others = { vpcSubnets, securityGroups, vpcEndpoints };
  for (const [name, value] of Object.entries(others))
    if (value !== undefined && vpc === undefined)
      problems.push(
        `${name}: it is only used with the prop vpc; add vpc, or write the IDs under network in the configuration`,
      );
  if (securityGroups !== undefined && (securityGroups.length < 1 || securityGroups.length > 5))
    problems.push(
      `securityGroups: there are ${securityGroups.length}; Lambda takes 1 to 5, and without this prop the mirror makes one`,
    );
  return problems;
}

/** Without listed subnets, the CDK asks the account for the VPC, so it must know which account. */
function lookupProblems({ vpc, subnets }: NetworkConfig, { region, account }: Deployment): string[] {
  const isKnown = (value: string | undefined) => value !== undefined && !Token.isUnresolved(value);
  if (vpc === undefined || subnets !== undefined || (isKnown(region) && isKnown(account))) return [];
  return [
    `config network.vpc: the subnets of ${vpc} can't be looked up, since the stack's account or region is not known: list them, for example network: { vpc: ${vpc}, subnets: [subnet-0123456789abcdef0] }, or synthesise with credentials and give the stack env: { account, region }`,
  ];
}

function endpointProblems({ vpcEndpoints }: NetworkProps, config: Config): string[] {
  const { network = {} } = config;
  const needed = neededEndpoints(config);
  const problems: string[] = [];
  const lists = { vpcEndpoints, 'config network.endpoints': network.endpoints };
  for (const [name, list] of Object.entries(lists)) {
    if (!Array.isArray(list)) continue;
    const unused = list.filter((service) => !needed.some((endpoint) => endpoint.service === service));
    if (unused.length > 0)
      problems.push(
        `${name}: ${unused.join(', ')}: the functions never call it with this configuration; remove it (needed: ${needed.map(({ service }) => service).join(', ')})`,
      );
  }
  const made = needed.filter(
    ({ service, kind }) =>
      kind === 'gateway' && (network.endpoints === 'create' || network.endpoints?.includes(service)),
  );
  if (made.length > 0 && network.subnets !== undefined && network.routeTables === undefined)
    problems.push(
      `config network.routeTables: is missing: gateway endpoints (${made.map(({ service }) => service).join(', ')}) are routes, so list the route tables of the subnets, for example routeTables: [rtb-0123456789abcdef0]`,
    );
  return problems;
}
