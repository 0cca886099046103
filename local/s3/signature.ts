import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { S3Error } from './error.ts';

/** What of a request its signature covers. */
export interface SignedRequest {
  method: string;
  /** As sent, percent-encoding unchanged. */
  path: string;
  query: URLSearchParams;
  /** Names in lower case. */
  headers: Record<string, string>;
}

const algorithm = 'AWS4-HMAC-SHA256';
/** How far the clock of a signer may be off. */
const maxSkewMs = 15 * 60_000;
/** The longest life of a presigned URL. */
const maxExpirySeconds = 7 * 24 * 60 * 60;

/**
 * Checks a Signature Version 4, in the header or in the query of a presigned URL.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 *
 * @param secret the secret key of every access key
 * @returns the hash of the body that was signed, or `UNSIGNED-PAYLOAD`
 * @throws S3Error as S3 answers: not signed, expired, or a signature that does not fit
 */
export function checkSignature(request: SignedRequest, secret: string, now = Date.now()): string {
  const { authorization } = request.headers;
  const isPresigned = request.query.has('X-Amz-Signature');
  if (isPresigned && authorization !== undefined) {
    throw new S3Error(400, 'InvalidArgument', 'Only one auth mechanism allowed');
  }
  if (isPresigned) return checkPresigned(request, secret, now);
  if (authorization === undefined) throw new S3Error(403, 'AccessDenied', 'Access Denied');
  return checkHeader(request, authorization, secret, now);
}

function checkHeader(request: SignedRequest, authorization: string, secret: string, now: number): string {
  const parts = /^AWS4-HMAC-SHA256 Credential=([^,]+), *SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})$/;
  const [, credential = '', signedHeaders = '', signature = ''] = parts.exec(authorization) ?? [];
  if (signature === '') throw new S3Error(400, 'AuthorizationHeaderMalformed', 'The header is malformed');
  const { 'x-amz-date': date = '', 'x-amz-content-sha256': bodyHash } = request.headers;
  if (bodyHash === undefined)
    throw new S3Error(400, 'InvalidRequest', 'Missing required header: x-amz-content-sha256');
  if (!(Math.abs(timeOf(date) - now) <= maxSkewMs)) {
    throw new S3Error(
      403,
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
    );
  }
  compare({ request, secret, credential, date, signedHeaders, bodyHash, query: request.query }, signature);
  return bodyHash;
}

function checkPresigned(request: SignedRequest, secret: string, now: number): string {
  const query = new URLSearchParams(request.query);
  const take = (name: string) => query.get(name) ?? '';
  const [date, signature] = [take('X-Amz-Date'), take('X-Amz-Signature')];
  const seconds = Number(take('X-Amz-Expires'));
  if (take('X-Amz-Algorithm') !== algorithm || !(seconds >= 1 && seconds <= maxExpirySeconds)) {
    throw new S3Error(
      400,
      'AuthorizationQueryParametersError',
      'The query string authentication is malformed',
    );
  }
  const signedAt = timeOf(date);
  // An expiry that can't be read is as good as one that has passed.
  if (!(now < signedAt + seconds * 1_000 && signedAt <= now + maxSkewMs))
    throw new S3Error(403, 'AccessDenied', 'Request has expired');
  query.delete('X-Amz-Signature');
  const bodyHash = 'UNSIGNED-PAYLOAD';
  const signedHeaders = take('X-Amz-SignedHeaders');
  compare(
    { request, secret, credential: take('X-Amz-Credential'), date, signedHeaders, bodyHash, query },
    signature,
  );
  return bodyHash;
}

interface Signing {
  request: SignedRequest;
  secret: string;
  credential: string;
  date: string;
  signedHeaders: string;
  bodyHash: string;
  query: URLSearchParams;
}

function compare(signing: Signing, signature: string): void {
  const expected = Buffer.from(signatureOf(signing));
  const given = Buffer.from(signature);
  if (expected.length === given.length && timingSafeEqual(expected, given)) return;
  throw new S3Error(
    403,
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided.',
  );
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function signatureOf({ request, secret, credential, date, signedHeaders, bodyHash, query }: Signing): string {
  const [, day = '', region = '', service = ''] = credential.split('/');
  const canonical = [
    request.method,
    request.path,
    [...query]
      .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
      .sort()
      .join('&'),
    ...signedHeaders.split(';').map((name) => `${name}:${(request.headers[name] ?? '').trim()}`),
    '',
    signedHeaders,
    bodyHash,
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = [algorithm, date, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (previous, part) => createHmac('sha256', previous).update(part).digest(),
    `AWS4${secret}`,
  );
  return createHmac('sha256', key).update(text).digest('hex');
}

/** RFC 3986: encodeURIComponent leaves some reserved characters as they are. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** `20260102T030405Z` in milliseconds since 1970; NaN if it is something else. */
function timeOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}
