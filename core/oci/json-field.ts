/**
 * A field of a JSON object that nobody has checked; undefined for anything else. Only its own
 * fields count: `constructor` is not a field that everything has.
 */
export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
