/** Requests to the API that serves this page, and what its errors mean. */
import { currentToken } from './session.js';

/** The API has refused, or did not answer. */
export class ApiError extends Error {
  /**
   * @param {number} status 0: no answer
   * @param {string} code
   * @param {string} message
   */
  constructor(status, code, message) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
  }
}

/**
 * Sends a request below `v1/` and returns the answer's JSON.
 *
 * @param {string} path such as `jobs?limit=20`
 * @param {{ body?: object, signal?: AbortSignal }} [options] with a body, it is a POST
 * @returns {Promise<any>}
 * @throws {ApiError}
 */
export async function request(path, { body, signal } = {}) {
  const token = currentToken();
  /** @type {Record<string, string>} */
  const headers = { accept: 'application/json' };
  if (token !== '') headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  let response;
  try {
    response = await fetch(`v1/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers,
      redirect: 'error',
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'no_answer', 'The API does not answer. Check the connection.');
  }
  const answer = await response.json().catch(() => undefined);
  if (response.ok && answer !== undefined) return answer;
  if (response.status === 401) window.dispatchEvent(new Event('drayage:unauthorized'));
  throw errorOf(response.status, answer);
}

/**
 * The API's own errors have a code; those of API Gateway only a message.
 *
 * @param {number} status
 * @param {any} answer
 */
function errorOf(status, answer) {
  const { code, message } = answer?.error ?? {};
  if (typeof code === 'string' && typeof message === 'string') return new ApiError(status, code, message);
  if (status === 429) return new ApiError(status, 'throttled', 'Too many requests: try again in a moment.');
  if (status === 403)
    return new ApiError(
      status,
      'forbidden',
      'The API refused this request. If reading requires AWS credentials (api.reads: iam), use the command drayage status instead.',
    );
  return new ApiError(status, 'unknown', `The API answered with status ${status}.`);
}

/**
 * A query string without what is empty.
 *
 * @param {Record<string, string | number | undefined>} values
 */
export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text === '' ? '' : `?${text}`;
}
