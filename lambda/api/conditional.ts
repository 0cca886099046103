import { createHash } from 'node:crypto';
import { type HttpRequest, type HttpResponse, json } from '../shared/http.ts';

/** A check that finds nothing new changes these and nothing else. */
const times = new Set(['observedAt', 'mirroredAt']);

/**
 * Answers a GET with JSON and an entity tag, or with 304 and no body if the caller has it already.
 * The tag covers everything except the times at which somebody looked, so it stays the same as long
 * as the same images are mapped. It is weak, because the bytes may differ: by the times, and by the
 * content coding.
 * https://www.rfc-editor.org/rfc/rfc9110#name-etag
 */
export function conditionalJson(request: HttpRequest, body: object): HttpResponse {
  const content = JSON.stringify(body, (key, value) => (times.has(key) ? undefined : value));
  const etag = `W/"${createHash('sha256').update(content).digest('base64url')}"`;
  const headers = { etag, 'cache-control': 'no-cache' };
  if (matchesTag(request.headers['if-none-match'], etag)) return { statusCode: 304, headers };
  return json(200, body, headers);
}

/**
 * Whether If-None-Match names the tag: `*`, or a list of tags, which are compared weakly.
 * https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match
 */
export function matchesTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  const bare = (tag: string) => tag.replace(/^W\//, '');
  return (header.match(/(?:W\/)?"[^"]*"/g) ?? []).some((tag) => bare(tag) === bare(etag));
}
