/**
 * Timeouts for calls to AWS APIs, for `requestHandler` of a client's configuration. Without them, a
 * call to an endpoint that accepts the connection and never answers would outlive the function that
 * waits for it.
 *
 * @param requestMs from the request to the end of its answer. The SDK may retry a call.
 */
export function timeouts(requestMs: number) {
  // Without the last option, the SDK only warns.
  return { connectionTimeout: 2_000, requestTimeout: requestMs, throwOnRequestTimeout: true };
}

/**
 * Whether an API could not be reached, or stopped answering: by the codes of Node's sockets, or the
 * SDK's own TimeoutError.
 */
export function isConnectionFailure(error: Error): boolean {
  return error.name === 'TimeoutError' || ('code' in error && /^E[A-Z_]+$/.test(String(error.code)));
}

/** What a failed call to an AWS service means. */
export type ServiceFailure =
  /** Something must be changed first: what. */
  | { kind: 'refused'; error: Error; remedy: string }
  /** The service can't be reached, or is busy. */
  | { kind: 'unavailable'; error: Error };

/**
 * What a failed call means; undefined for anything else: a bug of ours.
 *
 * @param service the class of the service's own errors
 * @param remedies what to do about the errors that no second attempt helps, by their names
 */
export function serviceFailure(
  error: unknown,
  service: abstract new (...args: never[]) => Error,
  remedies: Readonly<Record<string, string>>,
): ServiceFailure | undefined {
  if (!(error instanceof Error)) return undefined;
  const remedy = Object.hasOwn(remedies, error.name) ? remedies[error.name] : undefined;
  if (remedy !== undefined) return { kind: 'refused', error, remedy };
  return isConnectionFailure(error) || error instanceof service ? { kind: 'unavailable', error } : undefined;
}
