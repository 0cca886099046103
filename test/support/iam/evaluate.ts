import { runSimulation } from '@cloud-copilot/iam-simulate';
import { account, type Deployed, type DeployedFunction } from './template-policies.ts';

/** A request as IAM evaluates it. */
export interface IamRequest {
  action: string;
  resource: string;
  /** Condition keys; `aws:SecureTransport` is true unless it is here. */
  context?: Record<string, string | string[]>;
}

/**
 * Whether IAM allows a request: the policies of the caller, and that of the resource.
 *
 * @param caller the name of a function, or the name of a service, such as `events.amazonaws.com`
 * @throws Error if the request is not one that IAM knows, so that no request is refused for a
 *   mistake in a test
 */
export async function isAllowed(
  deployed: Deployed,
  caller: string,
  { action, resource, context = {} }: IamRequest,
): Promise<boolean> {
  const made = deployed.functions.get(caller);
  if (made === undefined && !caller.endsWith('.amazonaws.com'))
    throw new Error(`there is no function ${caller}`);
  const found = await runSimulation(
    {
      request: {
        principal: made === undefined ? caller : sessionOf(made.role),
        action,
        resource: { resource, accountId: accountOf(resource) },
        contextVariables: { 'aws:SecureTransport': 'true', ...context },
      },
      identityPolicies: (made?.policies ?? []).map(oneSource),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: action.startsWith('kms:')
        ? defaultKeyPolicy
        : deployed.resourcePolicies.get(protectedArn(resource)),
    },
    {},
  );
  if (found.resultType === 'error')
    throw new Error(`${action} on ${resource}: ${JSON.stringify(found.errors)}`);
  const results = found.resultType === 'single' ? [found.result] : found.results;
  const ignored = results.flatMap(({ ignoredContextKeys }) => ignoredContextKeys ?? []);
  if (ignored.length > 0) throw new Error(`${action} has no condition key ${ignored.join(', ')}`);
  return found.overallResult === 'Allowed';
}

/**
 * A key leaves the decision to IAM only because its policy says so.
 * https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
 */
const defaultKeyPolicy = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${account}:root` },
      Action: 'kms:*',
      Resource: '*',
    },
  ],
};

/**
 * EventBridge checks each event of a call by itself, so `events:source` has one value. The library
 * takes it for a list, which `StringEquals` does not compare with a text.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
 */
function oneSource({ name, policy }: DeployedFunction['policies'][number]) {
  const Statement = policy.Statement.map((statement) =>
    [statement.Action].flat().includes('events:PutEvents')
      ? {
          ...statement,
          Condition: { 'ForAllValues:StringEquals': (statement.Condition as Condition).StringEquals },
        }
      : statement,
  );
  return { name, policy: { ...policy, Statement } };
}

type Condition = { StringEquals: Record<string, string> };

/** A function runs in a session of its role. */
function sessionOf(role: string): string {
  return `arn:aws:sts::${account}:assumed-role/${role.split('/').at(-1)}/session`;
}

/** S3's ARNs name no account, and `*` is the caller's. */
function accountOf(resource: string): string {
  return resource.split(':')[4] || account;
}

/** A bucket's policy protects its objects. */
function protectedArn(resource: string): string {
  return resource.startsWith('arn:aws:s3:::') ? (resource.split('/')[0] ?? '') : resource;
}
