import { type Digest, isDigest } from '../../../core/oci/digest.ts';
import type { HttpExchange } from '../http-exchange.ts';
import type { RegistryContext } from '../registry-context.ts';
import type { ByteRange } from '../storage/blob-store.ts';
import { nameUnknown, sendError } from './errors.ts';
import type { RouteInput } from './route.ts';

/**
 * `GET` and `HEAD …/blobs/<digest>`. ECR answers a GET with a redirect to the bytes, which accepts
 * no credentials. Only blobs that were pushed to or mounted into this repository are found.
 */
export async function getBlob(
  context: RegistryContext,
  exchange: HttpExchange,
  { repository: name, item }: RouteInput,
): Promise<void> {
  if (!isDigest(item)) {
    return sendError(exchange, {
      status: 400,
      code: 'DIGEST_INVALID',
      message: 'a blob is named by its digest',
    });
  }
  const repository = context.catalog.repository(name);
  if (repository === undefined) return sendError(exchange, nameUnknown(context, name));
  const size = repository.layers.get(item);
  if (size === undefined || repository.archivedLayers.has(item)) {
    return sendError(exchange, {
      status: 404,
      code: 'BLOB_UNKNOWN',
      message: 'blob unknown to registry',
      detail: { digest: item },
    });
  }
  if (context.flavour === 'ecr' && exchange.method === 'GET') {
    return exchange.send(307, { location: context.links.linkTo(item, exchange.origin) });
  }
  await sendBlob(context, exchange, item, size);
}

/**
 * `GET` and `HEAD /layers/<digest>?token=…`: the bytes behind a redirect, for anybody with the
 * link.
 */
export async function getLinkedLayer(context: RegistryContext, exchange: HttpExchange): Promise<void> {
  const digest = context.links.resolve(exchange.path, exchange.query.get('token'));
  if (digest === undefined) {
    return sendError(exchange, {
      status: 403,
      code: 'DENIED',
      message: 'the link is not valid, or has expired',
    });
  }
  const size = sizeOf(context, digest);
  if (size === undefined) {
    return sendError(exchange, { status: 404, code: 'BLOB_UNKNOWN', message: 'the layer was deleted' });
  }
  await sendBlob(context, exchange, digest, size);
}

/** `DELETE …/blobs/<digest>`. ECR deletes layers only with their images. */
export async function deleteBlob(
  context: RegistryContext,
  exchange: HttpExchange,
  { repository: name, item }: RouteInput,
): Promise<void> {
  if (context.flavour === 'ecr') {
    const message = 'The operation is unsupported: layers are deleted with their images';
    return sendError(exchange, { status: 405, code: 'UNSUPPORTED', message });
  }
  const repository = context.catalog.repository(name);
  if (repository === undefined) return sendError(exchange, nameUnknown(context, name));
  if (!isDigest(item) || !repository.layers.has(item)) {
    return sendError(exchange, { status: 404, code: 'BLOB_UNKNOWN', message: 'blob unknown to registry' });
  }
  await context.catalog.removeLayer(repository, item);
  await exchange.send(202);
}

async function sendBlob(
  context: RegistryContext,
  exchange: HttpExchange,
  digest: Digest,
  size: number,
): Promise<void> {
  const headers = {
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
  };
  const range = exchange.method === 'GET' ? parseRange(exchange.header('range'), size) : undefined;
  if (range === 'unsatisfiable') {
    return sendError(exchange, {
      status: 416,
      code: 'SIZE_INVALID',
      message: `the blob has ${size} bytes`,
      headers: { 'content-range': `bytes */${size}` },
    });
  }
  const length = range === undefined ? size : range.end - range.start + 1;
  const all = { ...headers, 'content-length': length };
  if (exchange.method === 'HEAD' || size === 0) return exchange.send(200, all);
  const source = await context.catalog.blobs.read(digest, range);
  if (range === undefined) return exchange.sendStream(200, all, source);
  const contentRange = `bytes ${range.start}-${range.end}/${size}`;
  await exchange.sendStream(206, { ...all, 'content-range': contentRange }, source);
}

/**
 * One range of RFC 9110 §14.1.2. For anything else, including several ranges, the whole blob is
 * sent.
 */
function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') {
    const suffix = Math.min(Number(last), size);
    return suffix === 0 ? 'unsatisfiable' : { start: size - suffix, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size) return 'unsatisfiable';
  return end < start ? undefined : { start, end };
}

function sizeOf(context: RegistryContext, digest: Digest): number | undefined {
  for (const { layers } of context.catalog.repositories()) {
    const size = layers.get(digest);
    if (size !== undefined) return size;
  }
  return undefined;
}
