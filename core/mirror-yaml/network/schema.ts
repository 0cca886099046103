import * as z from 'zod';
import { awsEndpointNames } from '../../config/aws-endpoint-names.ts';
import { distinct, hostPattern, httpUrl, shown, text, textLike } from '../../config/fields.ts';

const proxy = text({ what: 'the URL of a proxy', example: 'http://proxy.example.com:3128' }, (value) => {
  const url = httpUrl(value);
  if (url === undefined)
    return `${shown(value)} is not a proxy URL; write, for example, http://proxy.example.com:3128`;
  if (url.username !== '' || url.password !== '')
    return 'has a user name or a password, which would be readable in the functions’ bundle; write the URL without them';
  return undefined;
});

/** An ID of EC2's, as https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html says. */
function ec2Id(prefix: string, what: string) {
  return textLike(
    { what: `the ID of ${what}`, example: `${prefix}-0123456789abcdef0` },
    new RegExp(`^${prefix}-[0-9a-f]{8,17}$`),
  );
}

/** A list of IDs of EC2's. */
function ec2Ids(prefix: string, [one, many]: [string, string], most: number) {
  return distinct(ec2Id(prefix, one), {
    what: `a list of 1 to ${most} IDs of ${many}`,
    example: `[${prefix}-0123456789abcdef0]`,
  })
    .min(1)
    .max(most);
}

const endpoints = z
  .union([
    z.literal('create'),
    distinct(z.enum(awsEndpointNames).meta({ what: awsEndpointNames.join(', '), example: 'sqs' }), {
      what: 'a list of services',
      example: '[sqs, events]',
    }).min(1),
  ])
  .meta({ what: 'create or a list of services', example: 'create' });

const noProxyHost = textLike(
  { what: 'a host, which includes its subdomains', example: 'registry.internal' },
  hostPattern,
);

/** Keys that say nothing unless `vpc` is there as well. */
const keysOfVpc = ['subnets', 'securityGroups', 'routeTables', 'endpoints'] as const;

/** The key `network`. */
export const networkSchema = z
  .strictObject({
    vpc: ec2Id('vpc', 'a VPC').optional(),
    // The most that Lambda takes: https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html
    subnets: ec2Ids('subnet', ['a subnet', 'subnets'], 16).optional(),
    securityGroups: ec2Ids('sg', ['a security group', 'security groups'], 5).optional(),
    routeTables: ec2Ids('rtb', ['a route table', 'route tables'], 16).optional(),
    endpoints: endpoints.optional(),
    caBundle: z.string().min(1).meta({ what: 'a file name', example: 'certificates.pem' }).optional(),
    proxy: proxy.optional(),
    noProxy: distinct(noProxyHost, { what: 'a list of hosts', example: '[registry.internal]' })
      .min(1)
      .optional(),
  })
  .superRefine((network, context) => {
    const say = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
    for (const key of keysOfVpc)
      if (network[key] !== undefined && network.vpc === undefined)
        say(key, 'is only used in a VPC; add vpc, or remove this key');
    if (network.noProxy !== undefined && network.proxy === undefined)
      say('noProxy', 'is only used with a proxy; add proxy, or remove this key');
  });
