/** A request to an API failed. `message` names method and path and holds no secret. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** Of the answer; absent where there was none. */
  readonly status: number | undefined;
  /** The answer's own code, where it has one. */
  readonly code: string | undefined;
  /** What the operator can do about it. */
  readonly remedy: string | undefined;

  constructor(
    message: string,
    more: { status?: number; code?: string; remedy?: string; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.status = more.status;
    this.code = more.code;
    this.remedy = more.remedy;
  }

  /** The same with advice that only the caller knows. */
  withRemedy(remedy: string): RequestError {
    const { status, code, cause } = this;
    return new RequestError(this.message, {
      ...(status !== undefined && { status }),
      ...(code !== undefined && { code }),
      remedy,
      cause,
    });
  }
}
