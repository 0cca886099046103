/**
 * A command can't do what it was asked to do; `remedy` says what helps, and is shown below the
 * message.
 */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
  readonly remedy: string | undefined;
  /** What the process ends with. */
  readonly exitCode: number = 1;

  constructor(message: string, remedy: string | undefined) {
    super(message);
    this.remedy = remedy;
  }
}

/** Images that a command needs are not mirrored. */
export class NotMirroredError extends CommandError {
  override readonly name = 'NotMirroredError';
  override readonly exitCode = 3;

  /** @param images as the user wrote them */
  constructor(
    images: readonly string[],
    remedy = `mirror what is missing: drayage mirror ${images.join(' ')}`,
  ) {
    super(`not mirrored: ${images.join(', ')}`, remedy);
  }
}
