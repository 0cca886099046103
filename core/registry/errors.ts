import type { ConnectionProblem } from './connection-problem.ts';
import { connectionRemedy, mirrorSettings } from './connection-remedies.ts';
import { type LoginState, remedyFor } from './remedies.ts';

/** Which registry failed: the one that images come from, or the one that they go to. */
export type Side = 'upstream' | 'mirror';

/** What was being done, for an error to say. */
export interface OperationContext {
  side: Side;
  /** As it stands in references: `docker.io`. */
  registry: string;
  /** In words: `get manifest`. */
  operation: string;
  repository?: string;
  /** A tag or a digest. */
  reference?: string;
}

/** What happened, without the context. */
export interface RegistryFailure {
  /** A code of the distribution specification, or one of ours: see `remedies.ts`. */
  code: string;
  /** A clause that follows the operation; redacted by who writes it. */
  reason: string;
  /** The answer's HTTP status. */
  status?: number;
  /** Whether the same operation may succeed later; false unless given. */
  temporary?: boolean;
  /** How long the registry asked to wait. */
  retryAfterMs?: number;
  /** What helps, where the table's general hint does not do. */
  remedy?: string;
  /** Of a connection that failed: what kept it from coming about. */
  problem?: ConnectionProblem;
  /** Of a request for a login: whether there was none, or it was not taken. */
  login?: LoginState;
  cause?: unknown;
}

/**
 * An operation on a registry failed. `message` says side, registry, operation, repository and reason and holds no secret;
 * `code` is stable: the registry's own (`MANIFEST_UNKNOWN`, `TOOMANYREQUESTS`, …) or one derived from the status or failure
 * (`UNAUTHORIZED`, `UNAVAILABLE`, `TIMEOUT`, `CONNECTION`, …). `temporary` says whether trying again later makes sense.
 * An operation that was cancelled throws its signal's reason instead.
 */
export class RegistryError extends Error {
  readonly side: Side;
  readonly operation: string;
  readonly registry: string;
  readonly repository: string | undefined;
  readonly reference: string | undefined;
  readonly status: number | undefined;
  readonly code: string;
  /** What happened, without the context. */
  readonly reason: string;
  /** What the operator can do about it. */
  readonly remedy: string;
  /** Whether the remedy is specific to this failure, rather than the general one for its code. */
  readonly isExplained: boolean;
  /** Of a connection that failed: what kept it from coming about. */
  readonly problem: ConnectionProblem | undefined;
  /** Of a request for a login: whether there was none, or it was not taken; undefined where that is not known. */
  readonly login: LoginState;
  readonly temporary: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(context: OperationContext, failure: RegistryFailure) {
    super(
      `${context.side} ${context.registry}: ${describe(context)}: ${failure.reason} (${failure.code})`,
      failure.cause === undefined ? undefined : { cause: failure.cause },
    );
    this.name = 'RegistryError';
    this.side = context.side;
    this.operation = context.operation;
    this.registry = context.registry;
    this.repository = context.repository;
    this.reference = context.reference;
    this.status = failure.status;
    this.code = failure.code;
    this.reason = failure.reason;
    const { problem, login } = failure;
    this.problem = problem;
    this.login = login;
    this.remedy =
      failure.remedy ??
      (problem ? connectionRemedy(problem, mirrorSettings) : remedyFor(failure.code, context, login));
    this.isExplained = failure.remedy !== undefined;
    this.temporary = failure.temporary ?? false;
    this.retryAfterMs = failure.retryAfterMs;
  }
}

/** `get manifest library/nginx:1.27`, `get blob library/nginx@sha256:…`, `list tags of library/nginx`. */
function describe({ operation, repository, reference }: OperationContext): string {
  if (repository === undefined) return operation;
  if (reference === undefined) return `${operation} ${repository}`;
  return `${operation} ${repository}${reference.includes(':') ? '@' : ':'}${reference}`;
}
