import * as z from 'zod';
import type { RegistryContext } from '../registry-context.ts';
import { type ApiError, invalidParameter } from './errors.ts';
import { parseInput, repositoryInput, requireRepository } from './input.ts';
import { PolicyTexts } from './policy-texts.ts';

/**
 * The parts of a rule that are checked.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
 */
const rule = z.looseObject({
  rulePriority: z.int().min(1),
  description: z.string().optional(),
  selection: z.looseObject({
    tagStatus: z.enum(['tagged', 'untagged', 'any']),
    countType: z.string().min(1),
    countNumber: z.int().min(1),
  }),
  action: z.looseObject({ type: z.string().min(1) }),
});

const policy = z.strictObject({ rules: z.array(rule).min(1).max(50) });

type Rule = z.output<typeof rule>;

const texts = new PolicyTexts({
  extra: 'lifecyclePolicy',
  field: 'lifecyclePolicyText',
  title: 'Lifecycle policy',
  notFound: 'LifecyclePolicyNotFoundException',
});

/**
 * PutLifecyclePolicy. ECR returns the rules sorted by priority
 * (hashicorp/terraform-provider-aws#22639). The embedded registry stores them and does not run
 * them: it never expires an image.
 */
export async function putLifecyclePolicy(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(
    // https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutLifecyclePolicy.html
    z.object({ ...repositoryInput, lifecyclePolicyText: z.string().min(100).max(30_720) }),
    body,
  );
  const repository = requireRepository(context, input);
  return await texts.put(context, repository, normalised(input.lifecyclePolicyText));
}

/** GetLifecyclePolicy. */
export async function getLifecyclePolicy(context: RegistryContext, body: unknown): Promise<unknown> {
  return await texts.get(context, body);
}

/** DeleteLifecyclePolicy. */
export async function deleteLifecyclePolicy(context: RegistryContext, body: unknown): Promise<unknown> {
  return await texts.delete(context, body);
}

/** @throws ApiError InvalidParameterException */
function normalised(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidPolicy('it is not JSON');
  }
  const parsed = policy.safeParse(value);
  if (!parsed.success) throw invalidPolicy(parsed.error.issues[0]?.message ?? 'it does not fit the model');
  const rules = parsed.data.rules.toSorted((a, b) => a.rulePriority - b.rulePriority);
  checkPriorities(rules);
  return JSON.stringify({ rules });
}

/** A rule for any image has the highest number, and no two rules have the same. */
function checkPriorities(rules: Rule[]): void {
  for (const [index, { rulePriority, selection }] of rules.entries()) {
    if (rules[index + 1]?.rulePriority === rulePriority)
      throw invalidPolicy(`the priority ${rulePriority} is given twice`);
    if (selection.tagStatus === 'any' && index < rules.length - 1)
      throw invalidPolicy('a rule for any image must have the lowest priority');
  }
}

function invalidPolicy(reason: string): ApiError {
  return invalidParameter('LifecyclePolicyText', `Lifecycle policy validation failure: ${reason}`);
}
