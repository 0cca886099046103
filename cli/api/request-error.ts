import type { ProblemKind } from '../../core/registry/connection-problem.ts';

/** What is known of a failed request besides its message. */
export interface RequestFailure {
  status?: number | undefined;
  code?: string | undefined;
  remedy?: string | undefined;
  problem?: ProblemKind | undefined;
  cause?: unknown;
}

/** A request to an API failed. `message` names method and path and holds no secret. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** Status of the answer; absent if there was none. */
  readonly status: number | undefined;
  /** The error code in the answer, if it has one. */
  readonly code: string | undefined;
  /** What the operator can do about it. */
  readonly remedy: string | undefined;
  /** Why there was no connection, if there was none. */
  readonly problem: ProblemKind | undefined;

  constructor(message: string, more: RequestFailure = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.status = more.status;
    this.code = more.code;
    this.remedy = more.remedy;
    this.problem = more.problem;
  }

  /** The same error with advice that only the caller can give. */
  withRemedy(remedy: string): RequestError {
    const { status, code, problem, cause } = this;
    return new RequestError(this.message, { status, code, problem, remedy, cause });
  }
}
