import { HttpError, type HttpResponse } from '../../shared/http.ts';
import type { Call } from '../call.ts';
import { matchesTag } from '../conditional.ts';
import { type PageFile, type PageFiles, readPageFiles, shellName } from './files.ts';

/**
 * Only files of this origin, nothing inline, no frame around the page, and no text that becomes
 * markup or script. https://www.w3.org/TR/CSP3/, https://www.w3.org/TR/trusted-types/
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** Headers of every file of the page. */
const securityHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), clipboard-write=(self)',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

const revalidated = 'no-cache';
const kept = 'public, max-age=31536000, immutable';

let read: PageFiles | undefined;

/** Read at the first request for the page, and once: most instances are never asked for it. */
function page(): PageFiles {
  read ??= readPageFiles();
  return read;
}

/** `GET /`: the shell of the status page. It holds no data. */
export async function getPage({ request }: Call): Promise<HttpResponse> {
  return answer(page().files.get(shellName), revalidated, request.headers['if-none-match']);
}

/**
 * `GET /web/{version}/{file}`: what the shell names. After a deployment, a shell of before still
 * gets files, but of now: they must not be kept under its address.
 */
export async function getPageFile({ request, parameter: version }: Call): Promise<HttpResponse> {
  const { files, version: current } = page();
  const name = request.path.split('/')[3] ?? '';
  const file = name === shellName ? undefined : files.get(name);
  return answer(file, version === current ? kept : revalidated, request.headers['if-none-match']);
}

function answer(file: PageFile | undefined, cacheControl: string, held: string | undefined): HttpResponse {
  if (file === undefined) throw new HttpError(404, 'not_found', 'there is no such file');
  const headers = { ...securityHeaders, 'cache-control': cacheControl, etag: file.etag };
  if (matchesTag(held, file.etag)) return { statusCode: 304, headers };
  return { statusCode: 200, headers: { ...headers, 'content-type': file.contentType }, body: file.text };
}
