import type { LifecycleRule } from '../config/config.ts';
import type { PolicyChange } from './pull-policy.ts';

/**
 * What the descriptions of our rules begin with. A rule has no other place for it, and without it
 * nobody could tell which rules mirror.yaml had before.
 */
const mark = 'Drayage';

/**
 * How a lifecycle policy has to change. Rules of mirror.yaml replace the whole policy: rules depend
 * on each other through their priorities, so ours can't be mixed with others. Without rules there,
 * those that came from it earlier are removed, and all others stay.
 *
 * @param found the text of the policy; undefined if there is none
 */
export function lifecycleChange(found: string | undefined, rules: LifecycleRule[]): PolicyChange {
  const present = found === undefined ? [] : parseRules(found);
  if (present === undefined) {
    if (rules.length === 0)
      return { unreadable: 'its lifecycle policy is not a policy that can be read; it stays as it is' };
    return { policy: textOf(rules.map(marked)) };
  }
  if (rules.length > 0) {
    const wanted = rules.map(marked);
    return canonical(present) === canonical(wanted) ? undefined : { policy: textOf(wanted) };
  }
  const others = present.filter((rule) => !isMarked(rule));
  if (others.length === present.length) return undefined;
  return { policy: others.length === 0 ? undefined : textOf(others) };
}

type Rule = Record<string, unknown>;

function parseRules(text: string): Rule[] | undefined {
  try {
    const { rules } = JSON.parse(text) as { rules: unknown };
    if (!Array.isArray(rules)) return undefined;
    return rules.every((rule) => typeof rule === 'object' && rule !== null) ? rules : undefined;
  } catch {
    return undefined;
  }
}

function textOf(rules: Rule[]): string {
  return JSON.stringify({ rules });
}

function marked(rule: LifecycleRule): Rule {
  const { description } = rule;
  const own = typeof description === 'string' && description !== '' ? `${mark}: ${description}` : mark;
  return { ...rule, description: own };
}

function isMarked({ description }: Rule): boolean {
  return description === mark || (typeof description === 'string' && description.startsWith(`${mark}: `));
}

/**
 * Rules in one form, however ECR returns them: it sorts them by their priorities
 * (hashicorp/terraform-provider-aws#22639).
 */
function canonical(rules: Rule[]): string {
  const sorted = rules.toSorted((a, b) => Number(a.rulePriority) - Number(b.rulePriority));
  return JSON.stringify(sorted.map(sortedDeeply));
}

function sortedDeeply(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedDeeply).toSorted();
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .filter(([, inner]) => inner !== null)
    .map(([name, inner]) => [name, sortedDeeply(inner)] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
}
