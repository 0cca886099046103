/**
 * Whether an error says of itself that another attempt may succeed. Errors of the registry client and of the copy
 * carry `temporary`; anything unknown counts as permanent, because an unknown outcome is a failure.
 */
export function isTemporary(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'temporary' in error && error.temporary === true;
}
