/** A job that can't succeed for a reason of ours: its rule or its image, not a registry's answer. Never retried. */
export class JobFailure extends Error {
  override readonly name = 'JobFailure';
  readonly code: string;
  readonly remedy: string;
  readonly side = 'drayage';
  readonly temporary = false;

  constructor(code: string, message: string, remedy: string) {
    super(message);
    this.code = code;
    this.remedy = remedy;
  }
}
