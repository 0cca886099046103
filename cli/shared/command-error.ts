/**
 * A command can't do what it was asked to do; `remedy` says what helps, and is shown below the
 * message.
 */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly remedy: string | undefined;

  constructor(message: string, remedy: string | undefined) {
    super(message);
    this.remedy = remedy;
  }
}
