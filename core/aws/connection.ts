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
