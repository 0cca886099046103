import { HttpError, type HttpRequest } from '../shared/http.ts';

/** `limit=`: a whole number from 1 to `max`. */
export function limitOf(request: HttpRequest, defaultLimit: number, max: number): number {
  const text = request.query.get('limit');
  if (text === null) return defaultLimit;
  const limit = Number(text);
  if (/^\d{1,9}$/.test(text) && limit >= 1 && limit <= max) return limit;
  throw new HttpError(400, 'invalid_request', `limit must be a whole number from 1 to ${max}`);
}

/** `registry=` or `repository=`: a name, or part of one, of at most 255 characters. */
export function nameOf(request: HttpRequest, parameter: 'registry' | 'repository'): string | undefined {
  const name = request.query.get(parameter) ?? undefined;
  if (name === undefined || (name !== '' && Buffer.byteLength(name) <= 255)) return name;
  throw new HttpError(400, 'invalid_request', `${parameter} must have 1 to 255 characters`);
}

/** `region=`, if given. */
export function regionOf(request: HttpRequest): string | undefined {
  return request.query.get('region') ?? undefined;
}

/** A list of strings in a body. */
export function textList(body: Record<string, unknown>, field: string, max: number): string[] {
  const value = body[field];
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) {
    throw new HttpError(400, 'invalid_request', `${field} must be a list of strings`);
  }
  if (value.length > max) {
    throw new HttpError(
      400,
      'invalid_request',
      `${field} has ${value.length} entries; at most ${max} are accepted at once`,
    );
  }
  return value;
}
