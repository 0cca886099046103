import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ImageMirrorStack } from '../../lib/image-mirror-stack.ts';
import { asText, configOf, functionOf, mirrorStack, mirrorTemplate } from './mirror-template.ts';

// Without CloudFormation's own rules, which take seconds to load.
beforeEach(() => {
  vi.stubEnv('CDK_VALIDATION', 'false');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const vpc = 'vpc-0123456789abcdef0';
const subnets = ['subnet-0aaaaaaaaaaaaaaa1', 'subnet-0aaaaaaaaaaaaaaa2'];

/** A configuration with every optional function, and these keys of `network`. */
function withNetwork(network: string, upstreams = ''): string {
  return `
version: 1
mirror: { regions: [eu-west-1] }
network: { ${network} }
notify: [{ url: "https://hooks.internal:8443/x", secret: drayage/hooks }]
upstreams:
  - registry: registry.internal:5000
    redirectHosts: ["minio.internal:9000"]
    repositories: [{ match: "**", retention: { keepNewest: 3 } }]
  - registry: ghcr.io
    repositories: [{ match: "acme/**" }]
${upstreams}`;
}

const listed = `vpc: ${vpc}, subnets: [${subnets.join(', ')}]`;
const privileged = `
  - registry: 111122223333.dkr.ecr.eu-west-1.amazonaws.com
    credentials: { type: ecr, roleArn: "arn:aws:iam::111122223333:role/pull" }
    repositories: [{ match: "**", verify: { cosign: { key: "awskms:///alias/signing" } } }]
`;

const own = 'AWS::EC2::SecurityGroup';
const endpoint = 'AWS::EC2::VPCEndpoint';

/** The functions of the mirror; the bucket that the CDK empties on deletion has one of its own. */
function functionsOf(template: Template): [string, Record<string, unknown>][] {
  return Object.values(template.findResources('AWS::Lambda::Function'))
    .map(({ Properties }) => [Properties.Environment?.Variables?.POWERTOOLS_SERVICE_NAME, Properties])
    .filter((entry): entry is [string, Record<string, unknown>] => entry[0] !== undefined);
}

function endpointsOf(template: Template): string[] {
  return Object.values(template.findResources(endpoint))
    .map(({ Properties }) => `${Properties.VpcEndpointType} ${asText(Properties.ServiceName)}`)
    .sort();
}

describe('functions in a VPC', () => {
  it('are all of them, in the listed subnets and one security group, without asking the account', () => {
    const stack = mirrorStack(withNetwork(listed));
    const template = Template.fromStack(stack);
    const functions = functionsOf(template);
    expect(functions.map(([name]) => name).sort()).toEqual([
      'api',
      'blob-mounting',
      'layer',
      'mirror',
      'notify',
      'reconcile',
      'registry-events',
      'retention',
      'schedule',
      'snapshot',
      'webhook',
    ]);
    const [group] = Object.keys(template.findResources(own));
    for (const [, { VpcConfig }] of functions)
      expect(VpcConfig).toEqual({
        SubnetIds: subnets,
        SecurityGroupIds: [{ 'Fn::GetAtt': [group, 'GroupId'] }],
      });
    expect((stack.node.root as App).synth().manifest.missing ?? []).toEqual([]);
  });

  it('are in none without network.vpc', () => {
    const template = mirrorTemplate(withNetwork('proxy: "http://proxy.internal:3128"'));
    for (const [, { VpcConfig }] of functionsOf(template)) expect(VpcConfig).toBeUndefined();
    for (const type of [own, endpoint]) template.resourceCountIs(type, 0);
  });

  it('keep their logical ids', () => {
    const [without, within] = [withNetwork('caBundle: ca.pem'), withNetwork(listed)].map((yaml) => {
      const config = configOf(yaml);
      delete config.network?.caBundle;
      return Object.keys(mirrorTemplate(undefined, { config }).toJSON().Resources);
    });
    expect(within).toEqual(expect.arrayContaining(without ?? []));
  });

  it.each([
    ['HTTPS, and the ports of upstreams and notify', listed, [443, 5000, 8443, 9000]],
    ['HTTPS and the proxy', `${listed}, proxy: "http://proxy.internal:3128"`, [443, 3128]],
    [
      'all of these if hosts are reached without the proxy',
      `${listed}, proxy: "http://proxy.internal", noProxy: [registry.internal]`,
      [80, 443, 5000, 8443, 9000],
    ],
  ])('may connect to %s only', (_, network, ports) => {
    const groups = Object.values(mirrorTemplate(withNetwork(network)).findResources(own));
    expect(groups).toHaveLength(1);
    const { SecurityGroupEgress: egress, SecurityGroupIngress: ingress, VpcId } = groups[0]?.Properties ?? {};
    expect(ingress).toBeUndefined();
    expect(VpcId).toBe(vpc);
    expect(
      egress.map((rule: { FromPort: number }) => rule.FromPort).sort((a: number, b: number) => a - b),
    ).toEqual(ports);
    for (const rule of egress)
      expect(rule).toMatchObject({ CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', ToPort: rule.FromPort });
  });

  it('take the listed security groups, and leave them as they are', () => {
    const template = mirrorTemplate(withNetwork(`${listed}, securityGroups: [sg-0123456789abcdef0]`));
    template.resourceCountIs(own, 0);
    template.resourceCountIs('AWS::EC2::SecurityGroupEgress', 0);
    expect(functionOf(template, 'mirror').properties.VpcConfig).toMatchObject({
      SecurityGroupIds: ['sg-0123456789abcdef0'],
    });
  });
});

describe('the role of a function in a VPC', () => {
  const template = mirrorTemplate(withNetwork(listed));
  const policies = Object.values(template.findResources('AWS::IAM::Policy'));

  function ec2Statements(name: string): Record<string, unknown>[] {
    const role = (functionOf(template, name).properties.Role as { 'Fn::GetAtt': string[] })['Fn::GetAtt'][0];
    return policies
      .filter(({ Properties }) => Properties.Roles.some((of: { Ref: string }) => of.Ref === role))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter(({ Action }) => [Action].flat().some((action: string) => action.startsWith('ec2:')))
      .map(({ Resource, ...rest }) => ({ ...rest, Resource: [Resource].flat().map(asText) }));
  }

  it.each(functionsOf(template).map(([name]) => name))(
    'lets Lambda make interfaces, but not the code of %s',
    (name) => {
      expect(ec2Statements(name)).toEqual([
        {
          Effect: 'Allow',
          Action: ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'],
          Resource: ['*'],
        },
        {
          Effect: 'Allow',
          Action: [
            'ec2:CreateNetworkInterface',
            'ec2:DeleteNetworkInterface',
            'ec2:AssignPrivateIpAddresses',
            'ec2:UnassignPrivateIpAddresses',
          ],
          Resource: ['arn:<AWS::Partition>:ec2:eu-west-1:*:*/*'],
        },
        {
          Effect: 'Deny',
          Action: [
            'ec2:DescribeNetworkInterfaces',
            'ec2:DescribeSubnets',
            'ec2:CreateNetworkInterface',
            'ec2:DeleteNetworkInterface',
            'ec2:AssignPrivateIpAddresses',
            'ec2:UnassignPrivateIpAddresses',
          ],
          Resource: ['*'],
          Condition: {
            ArnLike: {
              'lambda:SourceFunctionArn': {
                'Fn::Join': [
                  '',
                  [
                    'arn:',
                    { Ref: 'AWS::Partition' },
                    ':lambda:eu-west-1:',
                    { Ref: 'AWS::AccountId' },
                    ':function:*',
                  ],
                ],
              },
            },
          },
        },
      ]);
    },
  );

  it('has no managed policy', () => {
    for (const { Properties } of Object.values(template.findResources('AWS::IAM::Role')))
      expect(JSON.stringify(Properties.ManagedPolicyArns ?? [])).not.toContain('VPCAccess');
  });

  it('comes before the function, which Lambda would refuse to make without it', () => {
    for (const { DependsOn, Properties } of Object.values(template.findResources('AWS::Lambda::Function'))) {
      if (Properties.VpcConfig === undefined) continue;
      expect([DependsOn].flat()).toEqual(
        expect.arrayContaining([expect.stringContaining('RoleDefaultPolicy')]),
      );
    }
  });
});

describe('VPC endpoints', () => {
  const always = [
    'Gateway com.amazonaws.<AWS::Region>.dynamodb',
    'Gateway com.amazonaws.<AWS::Region>.s3',
    'Interface com.amazonaws.eu-west-1.ecr.api',
    'Interface com.amazonaws.eu-west-1.ecr.dkr',
    'Interface com.amazonaws.eu-west-1.events',
    'Interface com.amazonaws.eu-west-1.secretsmanager',
    'Interface com.amazonaws.eu-west-1.sqs',
  ];
  const create = `${listed}, routeTables: [rtb-0123456789abcdef0], endpoints: create`;

  it('are not made unless mirror.yaml says so, and synth names those that must exist', () => {
    const stack = mirrorStack(withNetwork(listed));
    Template.fromStack(stack).resourceCountIs(endpoint, 0);
    Annotations.fromStack(stack).hasInfo(
      '*',
      Match.stringLikeRegexp('ecr.api, ecr.dkr, sqs, secretsmanager, events, s3, dynamodb.*must exist'),
    );
  });

  it('are made with `create`, for the functions alone, and before the custom resource answers', () => {
    const stack = mirrorStack(withNetwork(create));
    const template = Template.fromStack(stack);
    expect(endpointsOf(template)).toEqual(always);
    template.allResourcesProperties(endpoint, { VpcId: vpc });
    template.hasResourceProperties(endpoint, { RouteTableIds: ['rtb-0123456789abcdef0'] });
    template.hasResourceProperties(endpoint, {
      VpcEndpointType: 'Interface',
      PrivateDnsEnabled: true,
      SubnetIds: subnets,
    });
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 1);
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { FromPort: 443, ToPort: 443 });
    const [setting] = Object.values(template.findResources('Custom::BlobMounting'));
    expect(setting?.DependsOn).toEqual(expect.arrayContaining(Object.keys(template.findResources(endpoint))));
    Annotations.fromStack(stack).hasNoInfo('*', Match.stringLikeRegexp('VPC endpoints'));
  });

  it('include STS and KMS if the configuration calls them', () => {
    expect(endpointsOf(mirrorTemplate(withNetwork(create, privileged)))).toEqual(
      [...always, 'Interface com.amazonaws.eu-west-1.kms', 'Interface com.amazonaws.eu-west-1.sts'].sort(),
    );
  });

  it('are made in part with a list, and synth names the others', () => {
    const stack = mirrorStack(withNetwork(`${listed}, endpoints: [sqs, events]`));
    expect(endpointsOf(Template.fromStack(stack))).toEqual([
      'Interface com.amazonaws.eu-west-1.events',
      'Interface com.amazonaws.eu-west-1.sqs',
    ]);
    Annotations.fromStack(stack).hasInfo(
      '*',
      Match.stringLikeRegexp('ecr.api, ecr.dkr, secretsmanager, s3,'),
    );
  });

  it('have the names of the region’s partition', () => {
    const yaml = withNetwork(create).replace('eu-west-1', 'cn-north-1');
    const names = endpointsOf(mirrorTemplate(yaml, { env: { region: 'cn-north-1' } }));
    expect(names).toContain('Interface cn.com.amazonaws.cn-north-1.ecr.api');
    expect(names).toContain('Gateway com.amazonaws.<AWS::Region>.s3');
  });
});

describe('a VPC that is looked up', () => {
  it('is asked for once account and region are known', () => {
    const stack = mirrorStack(withNetwork(`vpc: ${vpc}`), {
      env: { account: '111122223333', region: 'eu-west-1' },
    });
    const { missing } = (stack.node.root as App).synth().manifest;
    expect(missing).toMatchObject([{ provider: 'vpc-provider', props: { filter: { 'vpc-id': vpc } } }]);
  });
});

describe('a VPC of the same app', () => {
  function appWithVpc(types: SubnetType[], props = {}) {
    const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
    const env = { region: 'eu-west-1', account: '111122223333' };
    const network = new Stack(app, 'Network', { env });
    const made = new Vpc(network, 'Vpc', {
      availabilityZones: ['eu-west-1a', 'eu-west-1b'],
      subnetConfiguration: types.map((subnetType, index) => ({ name: `Subnet${index}`, subnetType })),
    });
    const config = configOf();
    return new ImageMirrorStack(app, 'Drayage', { config, env, vpc: made, ...props });
  }

  it('is used with its private subnets and route tables', () => {
    const template = Template.fromStack(
      appWithVpc([SubnetType.PUBLIC, SubnetType.PRIVATE_WITH_EGRESS], { vpcEndpoints: 'create' }),
    );
    expect(JSON.stringify(functionOf(template, 'mirror').properties.VpcConfig)).toContain(
      'VpcSubnet1Subnet1',
    );
    template.hasResourceProperties(endpoint, { RouteTableIds: [Match.anyValue(), Match.anyValue()] });
  });

  it('has subnets without a route to the internet, too', () => {
    const template = Template.fromStack(appWithVpc([SubnetType.PRIVATE_ISOLATED]));
    expect(functionOf(template, 'webhook').properties.VpcConfig).toMatchObject({
      SubnetIds: [Match.anyValue(), Match.anyValue()].map(() => expect.anything()),
    });
  });

  it('is refused if it has public subnets only', () => {
    expect(() => appWithVpc([SubnetType.PUBLIC])).toThrow(/has no private subnet.*list subnets/s);
    const vpcSubnets = { subnetType: SubnetType.PUBLIC };
    expect(() => appWithVpc([SubnetType.PUBLIC, SubnetType.PRIVATE_ISOLATED], { vpcSubnets })).toThrow(
      /vpcSubnets: they include public subnets/,
    );
  });
});

describe('wrong settings of the network', () => {
  const { vpc: made } = {
    vpc: Vpc.fromVpcAttributes(new Stack(), 'V', { vpcId: vpc, availabilityZones: ['not-looked-up'] }),
  };
  it.each([
    [
      'an account that is not known',
      withNetwork(`vpc: ${vpc}`),
      {},
      /network.vpc: the subnets of vpc-.*list them/,
    ],
    ['two VPCs', withNetwork(listed), { vpc: made }, /vpc: the configuration names one too/],
    ['subnets without a VPC', undefined, { vpcSubnets: {} }, /vpcSubnets: it is only used with the prop vpc/],
    [
      'endpoints without a VPC',
      undefined,
      { vpcEndpoints: 'create' as const },
      /vpcEndpoints: it is only used/,
    ],
    ['no security group', undefined, { vpc: made, securityGroups: [] }, /securityGroups: there are 0/],
    [
      'gateways without route tables',
      withNetwork(`${listed}, endpoints: create`),
      {},
      /network.routeTables: is missing.*\(s3, dynamodb\)/,
    ],
    [
      'an endpoint that is never called',
      withNetwork(`${listed}, endpoints: [kms, sqs]`),
      {},
      /network.endpoints: kms: the functions never call it.*needed: ecr.api/,
    ],
  ])('%s', (_, yaml, props, message) => {
    expect(() => mirrorStack(yaml, props)).toThrow(message);
  });
});

describe('cdk-nag', () => {
  it.each([
    ['listed subnets', listed],
    ['own endpoints', `${listed}, routeTables: [rtb-0123456789abcdef0], endpoints: create`],
  ])('finds nothing with %s', (_, network) => {
    for (const env of [{ region: 'eu-west-1' }, { region: 'eu-west-1', account: '111122223333' }])
      expect(
        new AwsSolutionsChecks()
          .validateScope(mirrorStack(withNetwork(network, privileged), { env }))
          .violations.map(({ ruleName, violatingResources }) => [ruleName, violatingResources]),
      ).toEqual([]);
  });
});
