import type { RepositorySettings } from '../config/config.ts';

/**
 * What a pull needs.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html
 */
const pullActions = ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];

/** The statements of a repository policy that are ours; all others are left as they are. */
const accountsSid = 'DrayagePullAccounts';
const organizationsSid = 'DrayagePullOrganizations';

type Statement = Record<string, unknown>;

/** The parts of a repository policy that are looked at; everything else is kept. */
interface PolicyDocument {
  Statement: Statement[];
  [key: string]: unknown;
}

/** How a repository policy has to change; undefined: not at all. */
export type PolicyChange = { policy: string | undefined } | { unreadable: string } | undefined;

/**
 * The repository policy that lets the configured accounts and organizations pull, if it is not so
 * already. Only the statements with our Sids are added, changed or removed; a policy that has no
 * statement left is to be deleted.
 *
 * @param found the text of the policy; undefined if there is none
 * @param arn the repository's, which tells the partition
 */
export function pullPolicyChange(
  found: string | undefined,
  wanted: Pick<RepositorySettings, 'pullAccounts' | 'organizations'>,
  arn: string,
): PolicyChange {
  const document = found === undefined ? emptyPolicy() : parsePolicy(found);
  if (document === undefined)
    return {
      unreadable: 'its repository policy is not a policy that can be read; who may pull stays as it is',
    };
  const ours = pullStatements(wanted, partitionOf(arn));
  const isOurs = ({ Sid }: Statement) => Sid === accountsSid || Sid === organizationsSid;
  const present = document.Statement.filter(isOurs);
  if (isSameList(present, ours)) return undefined;
  const statements = [...document.Statement.filter((statement) => !isOurs(statement)), ...ours];
  if (statements.length === 0) return { policy: undefined };
  return { policy: JSON.stringify({ ...document, Statement: statements }) };
}

function emptyPolicy(): PolicyDocument {
  return { Version: '2012-10-17', Statement: [] };
}

/** A policy with its statements in a list, even if it is written with a single one. */
function parsePolicy(text: string): PolicyDocument | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const statements = asList(value.Statement ?? []);
  return statements.every(isObject) ? { ...value, Statement: statements } : undefined;
}

/**
 * `aws:PrincipalOrgID` holds only for principals of these organizations, so `*` reaches nobody
 * else.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
function pullStatements(
  { pullAccounts, organizations }: Pick<RepositorySettings, 'pullAccounts' | 'organizations'>,
  partition: string,
): Statement[] {
  const statements: Statement[] = [];
  if (pullAccounts.length > 0)
    statements.push({
      Sid: accountsSid,
      Effect: 'Allow',
      Principal: { AWS: pullAccounts.map((account) => `arn:${partition}:iam::${account}:root`) },
      Action: pullActions,
    });
  if (organizations.length > 0)
    statements.push({
      Sid: organizationsSid,
      Effect: 'Allow',
      Principal: '*',
      Action: pullActions,
      Condition: { StringEquals: { 'aws:PrincipalOrgID': organizations } },
    });
  return statements;
}

function partitionOf(arn: string): string {
  return arn.split(':')[1] || 'aws';
}

function isSameList(found: Statement[], wanted: Statement[]): boolean {
  const key = (statements: Statement[]) =>
    JSON.stringify(statements.map((statement) => canonical(statement)).toSorted(byText));
  return key(found) === key(wanted);
}

function byText(one: unknown, other: unknown): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}

/**
 * A statement in one form, however ECR returns it: it lists principals in any order
 * (hashicorp/terraform-provider-aws#19365), and a list of one may come as a text.
 */
function canonical(value: unknown, key = ''): unknown {
  if (!isObject(value)) {
    const items = asList(value).map((item) => (typeof item === 'string' ? canonicalText(item, key) : item));
    return items.toSorted();
  }
  return Object.entries(value)
    .filter(([, inner]) => inner !== null)
    .map(([name, inner]) => [name, canonical(inner, name)] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
}

/** An account may be named by its ID or by the ARN of its root, which mean the same. */
function canonicalText(text: string, key: string): string {
  if (key === 'AWS') return /^arn:[^:]*:iam::(\d{12}):root$/.exec(text)?.[1] ?? text;
  return text;
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
