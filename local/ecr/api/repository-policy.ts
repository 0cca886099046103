import * as z from 'zod';
import type { RegistryContext } from '../registry-context.ts';
import { invalidParameter } from './errors.ts';
import { parseInput, repositoryInput, requireRepository } from './input.ts';
import { PolicyTexts } from './policy-texts.ts';

/** https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html */
const maxPolicyCharacters = 10_240;

const oneOrMore = z.union([z.string(), z.array(z.string()).min(1)]);
const principal = z.union([
  z.literal('*'),
  z.strictObject({ AWS: oneOrMore.optional(), Service: oneOrMore.optional() }),
]);
const statement = z.looseObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: principal.optional(),
  NotPrincipal: principal.optional(),
  Action: oneOrMore.optional(),
  NotAction: oneOrMore.optional(),
});
const policy = z.looseObject({
  Version: z.enum(['2008-10-17', '2012-10-17']).optional(),
  Statement: z.union([statement, z.array(statement).min(1)]),
});

type Statement = z.output<typeof statement>;

const texts = new PolicyTexts({
  extra: 'policy',
  field: 'policyText',
  title: 'Repository policy',
  notFound: 'RepositoryPolicyNotFoundException',
});

/**
 * SetRepositoryPolicy replaces the whole policy. ECR does not return the text as it was put: it
 * names accounts by the ARN of their root, lists principals in an order of its own
 * (hashicorp/terraform-provider-aws#19365), and writes a list of one as a text. A policy that would
 * keep its owner from changing it is refused without `force`; here, that is not checked.
 */
export async function setRepositoryPolicy(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(
    z.object({
      ...repositoryInput,
      policyText: z.string().max(maxPolicyCharacters),
      force: z.boolean().optional(),
    }),
    body,
  );
  const repository = requireRepository(context, input);
  return await texts.put(context, repository, normalised(input.policyText));
}

/** GetRepositoryPolicy. */
export async function getRepositoryPolicy(context: RegistryContext, body: unknown): Promise<unknown> {
  return await texts.get(context, body);
}

/** DeleteRepositoryPolicy. */
export async function deleteRepositoryPolicy(context: RegistryContext, body: unknown): Promise<unknown> {
  return await texts.delete(context, body);
}

/** @throws ApiError InvalidParameterException, in ECR's words (aws/aws-sdk-go#3921) */
function normalised(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidParameter('PolicyText', 'Invalid repository policy provided');
  }
  const parsed = policy.safeParse(value);
  if (!parsed.success) throw invalidParameter('PolicyText', 'Invalid repository policy provided');
  const statements = [parsed.data.Statement].flat().map(normalisedStatement);
  return JSON.stringify({ Version: '2008-10-17', ...parsed.data, Statement: statements }, null, 2);
}

function normalisedStatement(given: Statement): Statement {
  const { Principal: who, NotPrincipal: whoNot, Action: what, NotAction: whatNot } = given;
  if ((who === undefined) === (whoNot === undefined) || (what === undefined) === (whatNot === undefined))
    throw invalidParameter('PolicyText', 'Invalid repository policy provided');
  if (typeof who !== 'object' || who.AWS === undefined) return given;
  const principals = [who.AWS].flat().map((name) => (/^\d{12}$/.test(name) ? rootOf(name) : name));
  for (const name of principals)
    if (name !== '*' && !/^arn:[^:]*:(?:iam|sts)::\d{12}:(?:root|(?:user|role|assumed-role)\/.+)$/.test(name))
      throw invalidParameter('PolicyText', 'Principal not found');
  const inAnotherOrder = [...new Set(principals)].toSorted().toReversed();
  const [only = '', ...more] = inAnotherOrder;
  return { ...given, Principal: { ...who, AWS: more.length === 0 ? only : inAnotherOrder } };
}

function rootOf(account: string): string {
  return `arn:aws:iam::${account}:root`;
}
