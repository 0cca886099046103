import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { ExportFilter, ExportFormat } from '../../core/exports/export.ts';
import { type Exporter, exportTag, type OpenedExport } from '../../core/exports/exporter.ts';
import { exportFormat, exportFormats } from '../../core/exports/formats/index.ts';
import { HttpError, type HttpRequest, type HttpResponse, maxAnswerBytes } from '../shared/http.ts';
import type { Call } from './call.ts';
import { matchesTag } from './conditional.ts';
import { chooseCoding } from './content-coding.ts';
import { parseQuery } from './parse-input.ts';
import { exportQuery } from './schemas/request.ts';

/** How long a redirect may be followed. */
const linkSeconds = 5 * 60;
/** For callers that come before the first snapshot, which is built within a minute. */
const retrySeconds = 5;
/** How often a snapshot may be replaced while it is read. */
const attempts = 3;

/**
 * `GET /v1/exports/{format}`: the whole mapping, or part of it, from the snapshot. The table is not
 * read. What does not fit into an answer is redirected to the stored object.
 */
export async function getExport({ request, parameter, deployment }: Call): Promise<HttpResponse> {
  const format = exportFormat(parameter);
  if (!format) {
    const names = exportFormats.map(({ name }) => name).join(', ');
    throw new HttpError(404, 'unknown_format', `there is no such export; there are ${names}`);
  }
  const filter = parseQuery(request, exportQuery);
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const answer = await answerOnce(request, format, filter, deployment.exporter, attempt > 1);
    if (answer) return answer;
  }
  throw unavailable('busy', 'the snapshot was replaced several times while it was read: try again');
}

/** Undefined if the snapshot was replaced meanwhile. */
async function answerOnce(
  request: HttpRequest,
  format: ExportFormat,
  filter: ExportFilter,
  exporter: Exporter,
  fresh: boolean,
): Promise<HttpResponse | undefined> {
  const snapshot = await exporter.snapshot({ fresh });
  if (!snapshot) throw unavailable('not_built', 'the first snapshot is being built: try again');
  const etag = `W/"${exportTag(snapshot, format, filter)}"`;
  const headers = { etag, 'cache-control': 'no-cache', vary: 'accept-encoding' };
  if (matchesTag(request.headers['if-none-match'], etag)) return { statusCode: 304, headers };
  const opened = await exporter.open(snapshot, format, filter);
  if (!opened) return undefined;
  const answer = { statusCode: 200, headers: { ...headers, 'content-type': format.contentType } };
  const fit = fitOf(request, opened);
  if (fit !== 'none') {
    const gzip = await opened.gzip();
    if (!gzip) return undefined;
    if (fit === 'gzip') return gzipAnswer(answer, gzip);
    const body = (await promisify(gunzip)(gzip)).toString('utf8');
    if (Buffer.byteLength(JSON.stringify(body)) <= maxAnswerBytes) return { ...answer, body };
  }
  // A cache that kept the redirect would keep it for longer than its address is valid.
  const location = await opened.link(linkSeconds);
  return { statusCode: 302, headers: { ...headers, 'cache-control': 'no-store', location } };
}

/** In which form, of those that the caller accepts, an export may fit into an answer. */
function fitOf(request: HttpRequest, { gzipBytes, textBytes }: OpenedExport): 'gzip' | 'plain' | 'none' {
  const { coding } = chooseCoding(request.headers['accept-encoding'], ['gzip']);
  // Base64 takes four bytes for three.
  if (coding === 'gzip') return Math.ceil(gzipBytes / 3) * 4 <= maxAnswerBytes ? 'gzip' : 'none';
  return textBytes <= maxAnswerBytes ? 'plain' : 'none';
}

function gzipAnswer(answer: HttpResponse, gzip: Uint8Array): HttpResponse {
  return {
    ...answer,
    headers: { ...answer.headers, 'content-encoding': 'gzip' },
    body: Buffer.from(gzip).toString('base64'),
    isBase64Encoded: true,
  };
}

function unavailable(code: string, message: string): HttpError {
  return new HttpError(503, code, message, { 'retry-after': String(retrySeconds) });
}
