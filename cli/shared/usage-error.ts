/** What is wrong with how a command was called. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
