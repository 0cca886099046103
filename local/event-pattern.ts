/**
 * What an event must hold to match, as far as our rules go: each field is an object to match, or
 * one of a list of texts or prefixes.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export interface Pattern {
  [field: string]: readonly (string | { prefix: string })[] | Pattern;
}

/** Whether EventBridge would send an event to the target of a rule with this pattern. */
export function matchesPattern(event: object, pattern: Pattern): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    const own = (event as Record<string, unknown>)[field];
    if (!isList(wanted)) return typeof own === 'object' && own !== null && matchesPattern(own, wanted);
    if (typeof own !== 'string') return false;
    return wanted.some((one) => (typeof one === 'string' ? own === one : own.startsWith(one.prefix)));
  });
}

function isList(wanted: Pattern[string]): wanted is readonly (string | { prefix: string })[] {
  return Array.isArray(wanted);
}
