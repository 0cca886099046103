import type { Template } from 'aws-cdk-lib/assertions';

/** The account and region that a template is resolved for. */
export const account = '111122223333';
export const region = 'eu-west-1';

/** A policy document after CloudFormation has filled in its references. */
export interface PolicyDocument {
  Version: string;
  Statement: Record<string, unknown>[];
}

/** A function as it is deployed. */
export interface DeployedFunction {
  name: string;
  /** The ARN of its role. */
  role: string;
  policies: { name: string; policy: PolicyDocument }[];
  environment: Record<string, string>;
  logGroup: string;
  /** The ARNs of the queues that Lambda reads with its role. */
  sources: string[];
}

/** What a template becomes: ARNs, policies and environments as IAM and the functions see them. */
export interface Deployed {
  functions: ReadonlyMap<string, DeployedFunction>;
  /** The policies of queues, buckets and secrets, by the ARN of what they protect. */
  resourcePolicies: ReadonlyMap<string, PolicyDocument>;
  /** The ARNs of all resources of a type, by logical ID. */
  arns(type: string): ReadonlyMap<string, string>;
}

type Resource = { Type: string; Properties: Record<string, unknown> };
type Value = unknown;

/** What each type of resource is called in ARNs. */
const arnOf: Record<string, (id: string) => string> = {
  'AWS::DynamoDB::Table': (id) => `arn:aws:dynamodb:${region}:${account}:table/${id}`,
  'AWS::SQS::Queue': (id) => `arn:aws:sqs:${region}:${account}:${id}`,
  'AWS::S3::Bucket': (id) => `arn:aws:s3:::${id.toLowerCase()}`,
  'AWS::SecretsManager::Secret': (id) => `arn:aws:secretsmanager:${region}:${account}:secret:${id}-AbCdEf`,
  'AWS::Logs::LogGroup': (id) => `arn:aws:logs:${region}:${account}:log-group:${id}:*`,
  'AWS::IAM::Role': (id) => `arn:aws:iam::${account}:role/${id}`,
  'AWS::Lambda::Function': (id) => `arn:aws:lambda:${region}:${account}:function:${id}`,
  'AWS::Events::Rule': (id) => `arn:aws:events:${region}:${account}:rule/${id}`,
  'AWS::KMS::Key': (id) => `arn:aws:kms:${region}:${account}:key/${id}`,
};

/** What `Ref` returns where it is not the logical ID. */
const refOf: Record<string, (id: string) => string> = {
  'AWS::SQS::Queue': (id) => `https://sqs.${region}.amazonaws.com/${account}/${id}`,
  'AWS::S3::Bucket': (id) => id.toLowerCase(),
  'AWS::SecretsManager::Secret': (id) => arnOf['AWS::SecretsManager::Secret']?.(id) ?? '',
};

/** Resolves a template as CloudFormation does, as far as permissions need it. */
export function deploy(template: Template): Deployed {
  const resources = template.toJSON().Resources as Record<string, Resource>;
  const ofType = (type: string) => Object.entries(resources).filter(([, { Type }]) => Type === type);
  const resolve = (value: Value) => resolved(value, resources);
  const arns = (type: string) =>
    new Map(ofType(type).map(([id]) => [id, arnOf[type]?.(id) ?? unknown(type, id)]));

  const functions = new Map<string, DeployedFunction>();
  for (const [id, { Properties }] of ofType('AWS::Lambda::Function')) {
    const { Environment, Role, LoggingConfig } = Properties as Record<string, Record<string, Value>>;
    const environment = (resolve(Environment?.Variables) ?? {}) as Record<string, string>;
    const name = environment.POWERTOOLS_SERVICE_NAME;
    // The CDK's own, which empties the bucket when the stack is deleted.
    if (name === undefined) continue;
    const role = String(resolve(Role));
    functions.set(name, {
      name,
      role,
      environment,
      logGroup: String(resolve(LoggingConfig?.LogGroup)),
      policies: ofType('AWS::IAM::Policy')
        .filter(([, policy]) =>
          (policy.Properties.Roles as { Ref: string }[]).some(({ Ref }) => role.endsWith(`/${Ref}`)),
        )
        .map(([policyId, policy]) => ({
          name: policyId,
          policy: resolve(policy.Properties.PolicyDocument) as PolicyDocument,
        })),
      sources: ofType('AWS::Lambda::EventSourceMapping')
        .filter(([, source]) => (source.Properties.FunctionName as { Ref: string }).Ref === id)
        .map(([, source]) => String(resolve(source.Properties.EventSourceArn))),
    });
  }

  const resourcePolicies = new Map<string, PolicyDocument>();
  const protect = (type: string, owner: string, policyType: string, refs: (properties: Value) => Value[]) => {
    for (const [, { Properties }] of ofType(policyType))
      for (const ref of refs(Properties)) {
        const arn = arnOf[type]?.((ref as { Ref: string }).Ref) ?? unknown(type, owner);
        const policy = resolve(Properties.PolicyDocument ?? Properties.ResourcePolicy) as PolicyDocument;
        const before = resourcePolicies.get(arn)?.Statement ?? [];
        resourcePolicies.set(arn, { ...policy, Statement: [...before, ...policy.Statement] });
      }
  };
  type Properties = { Queues: Value[]; Bucket: Value };
  protect('AWS::SQS::Queue', 'Queues', 'AWS::SQS::QueuePolicy', (of) => (of as Properties).Queues);
  protect('AWS::S3::Bucket', 'Bucket', 'AWS::S3::BucketPolicy', (of) => [(of as Properties).Bucket]);
  return { functions, resourcePolicies, arns };
}

function unknown(type: string, id: string): never {
  throw new Error(`${type} ${id}: this test does not know its ARN`);
}

function resolved(value: Value, resources: Record<string, Resource>): Value {
  if (Array.isArray(value)) return value.map((item) => resolved(item, resources));
  if (typeof value !== 'object' || value === null) return value;
  const [[fn, argument] = ['', undefined], ...more] = Object.entries(value as Record<string, Value>);
  if (more.length === 0 && fn === 'Ref') return reference(String(argument), resources);
  if (more.length === 0 && fn === 'Fn::GetAtt') {
    const [id = '', attribute] = argument as string[];
    const type = resources[id]?.Type ?? '';
    if (attribute !== 'Arn') return `${id}.${attribute}`;
    return arnOf[type]?.(id) ?? `${id}.${attribute}`;
  }
  if (more.length === 0 && fn === 'Fn::Join') {
    const [separator, parts] = argument as [string, Value[]];
    return parts.map((part) => resolved(part, resources)).join(separator);
  }
  return Object.fromEntries(
    Object.entries(value as Record<string, Value>).map(([key, of]) => [key, resolved(of, resources)]),
  );
}

const pseudo: Record<string, string> = {
  'AWS::Partition': 'aws',
  'AWS::Region': region,
  'AWS::AccountId': account,
  'AWS::URLSuffix': 'amazonaws.com',
};

function reference(id: string, resources: Record<string, Resource>): string {
  return pseudo[id] ?? refOf[resources[id]?.Type ?? '']?.(id) ?? id;
}
