import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { crc32 } from 'node:zlib';
import { splitTarget } from '../ecr/http-exchange.ts';
import { type LoopbackServer, serveOnLoopback } from '../serve-on-loopback.ts';
import { S3Error } from './error.ts';
import { namesTag, type ObjectFacts, S3Objects } from './objects.ts';
import { checkSignature } from './signature.ts';

/** A running S3 endpoint with one bucket. */
export interface LocalBucket extends LoopbackServer {
  name: string;
  /** Every request, as `METHOD key`, in their order. */
  requests: string[];
}

export interface LocalBucketOptions {
  /** Keeps the objects across restarts; absent: in memory. */
  directory?: string | undefined;
  /** The secret access key of every caller. */
  secret: string;
  /** Objects under this prefix are removed after a day, as in the deployed bucket. */
  expiring: string;
}

const dayMs = 24 * 60 * 60_000;
const maxObjectBytes = 256 * 1024 * 1024;
/** So many requests are remembered. */
const rememberedRequests = 1_000;

/**
 * Serves one bucket with the operations of S3 that the functions use: PutObject with conditions,
 * GetObject (presigned, too) and HeadObject. Signatures, their expiry and the conditions are
 * checked as S3 does; anything else is refused.
 */
export async function startBucket(options: LocalBucketOptions): Promise<LocalBucket> {
  const name = 'drayage';
  const objects = new S3Objects({ prefix: options.expiring, afterMs: dayMs }, options.directory);
  const requests: string[] = [];
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const failure = error instanceof S3Error ? error : new S3Error(500, 'InternalError', 'Internal error');
      if (response.headersSent) response.destroy();
      else response.writeHead(failure.status, { 'content-type': 'application/xml' }).end(failure.xml);
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { path, query: search } = splitTarget(request);
    const { method = 'GET' } = request;
    const query = new URLSearchParams(search);
    const headers = headersOf(request);
    const body = await bodyOf(request);
    const bodyHash = checkSignature({ method, path, query, headers }, options.secret);
    const key = keyIn(path, name);
    if (requests.push(`${method} ${key}`) > rememberedRequests) requests.shift();
    if (method === 'PUT') await put(key, headers, body, bodyHash, response);
    else if (method === 'GET' || method === 'HEAD') await get(key, headers, response);
    else throw new S3Error(501, 'NotImplemented', `${method} is not served here`);
  }

  async function put(
    key: string,
    headers: Record<string, string>,
    body: Buffer,
    bodyHash: string,
    response: ServerResponse,
  ): Promise<void> {
    const conditions = { ifMatch: headers['if-match'], ifNoneMatch: headers['if-none-match'] };
    objects.check(key, conditions);
    checkBody(headers, body, bodyHash);
    // A turn for others, as an upload over a network takes: conditions are checked again after it.
    await new Promise((resolve) => setImmediate(resolve));
    const { etag } = await objects.put(key, body, keptHeaders(headers), conditions);
    response.writeHead(200, { etag }).end();
  }

  async function get(key: string, headers: Record<string, string>, response: ServerResponse): Promise<void> {
    const isHead = response.req.method === 'HEAD';
    const facts = objects.head(key);
    const found = isHead ? facts && { facts, body: undefined } : await objects.read(key);
    if (found === undefined) throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.');
    const { etag } = found.facts;
    const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers;
    if (ifMatch !== undefined && !namesTag(ifMatch, etag)) {
      throw new S3Error(412, 'PreconditionFailed', 'At least one of the pre-conditions did not hold');
    }
    if (ifNoneMatch !== undefined && namesTag(ifNoneMatch, etag)) response.writeHead(304, { etag }).end();
    else response.writeHead(200, answerHeaders(found.facts)).end(found.body);
  }

  return { ...(await serveOnLoopback(server)), name, requests };
}

/** The key in a path-style address: `/bucket/key`. */
function keyIn(path: string, bucket: string): string {
  const [, first, ...rest] = path.split('/');
  if (first !== bucket) throw new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist');
  const key = decodeURIComponent(rest.join('/'));
  if (key === '') throw new S3Error(501, 'NotImplemented', 'operations on buckets are not served here');
  return key;
}

function headersOf(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value;
  }
  return headers;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size <= maxObjectBytes) chunks.push(chunk);
  }
  if (size <= maxObjectBytes) return Buffer.concat(chunks);
  throw new S3Error(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed object size.');
}

/** Bodies come whole: with the hash that was signed, and the checksum that the SDK adds. */
function checkBody(headers: Record<string, string>, body: Buffer, bodyHash: string): void {
  if (bodyHash.startsWith('STREAMING-'))
    throw new S3Error(501, 'NotImplemented', 'chunked uploads are not served here');
  if (bodyHash !== 'UNSIGNED-PAYLOAD' && createHash('sha256').update(body).digest('hex') !== bodyHash) {
    throw new S3Error(
      400,
      'XAmzContentSHA256Mismatch',
      'The provided x-amz-content-sha256 header does not match what was computed.',
    );
  }
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  const { 'x-amz-checksum-crc32': expected } = headers;
  if (expected !== undefined && expected !== checksum.toString('base64'))
    throw new S3Error(400, 'BadDigest', 'The CRC32 you specified did not match the calculated checksum.');
}

const kept = ['content-type', 'content-encoding', 'cache-control', 'content-disposition'];

function keptHeaders(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => kept.includes(name) || name.startsWith('x-amz-meta-')),
  );
}

function answerHeaders({ headers, etag, bytes, lastModified }: ObjectFacts): Record<string, string | number> {
  return {
    ...headers,
    etag,
    'content-length': bytes,
    'last-modified': new Date(lastModified).toUTCString(),
    'accept-ranges': 'bytes',
  };
}
