import type * as z from 'zod';
import { shown } from '../../core/config/fields.ts';
import { HttpError, type HttpRequest, jsonObject } from '../shared/http.ts';

/**
 * Reads the query of a request. If a parameter is there several times, the first one counts;
 * unknown ones are ignored.
 *
 * @throws HttpError 400 invalid_request that names the parameter and its value
 */
export function parseQuery<T>(request: HttpRequest, schema: z.ZodType<T>): T {
  const names = new Set(request.query.keys());
  return parsed(Object.fromEntries([...names].map((name) => [name, request.query.get(name)])), schema);
}

/**
 * Reads the JSON body of a request.
 *
 * @throws HttpError 400: invalid_json, or invalid_request that names the field and its value
 */
export function parseBody<T>(request: HttpRequest, schema: z.ZodType<T>): T {
  return parsed(jsonObject(request), schema);
}

function parsed<T>(input: object, schema: z.ZodType<T>): T {
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new HttpError(400, 'invalid_request', issue ? told(issue, schema) : 'the request is invalid');
}

function told(issue: z.core.$ZodIssue, schema: z.ZodType): string {
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys((schema as z.ZodObject).shape).join(', ');
    return `${shown(issue.keys[0])} is not a field of this request; there are: ${known}`;
  }
  const path = issue.path.map((key, at) =>
    typeof key === 'number' ? `[${key}]` : `${at > 0 ? '.' : ''}${String(key)}`,
  );
  return `${path.join('')} ${issue.message}`;
}
