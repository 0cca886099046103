import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';

/** A request, as the API's functions see it. */
export interface HttpRequest {
  method: string;
  /** Without the stage; percent-encoding unchanged. */
  path: string;
  query: URLSearchParams;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: Uint8Array;
  /**
   * The scheme and host through which the API was reached, from API Gateway: its own domain name or
   * the custom one.
   */
  origin: string;
  /**
   * The address that the connection to API Gateway came from. Not from `X-Forwarded-For`, which
   * begins with whatever the caller wrote there.
   * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
   */
  sourceIp: string | undefined;
}

export type HttpResponse = APIGatewayProxyStructuredResultV2;

/**
 * A request that can't be fulfilled. The message goes to the caller: it must not contain a secret.
 */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/**
 * The largest body of an answer, in bytes as they appear in the function's own answer, where JSON
 * is escaped within JSON. Lambda accepts 6 MB of that; beyond it, the caller only gets a 500.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const maxAnswerBytes = 5_000_000;

/** How many bytes of {@link maxAnswerBytes} a body takes that is text. */
export function escapedBytes(body: string): number {
  return Buffer.byteLength(JSON.stringify(body));
}

/** Decides for each item in turn whether it still fits into an answer; the first always fits. */
export function fitsIntoAnswer<T>(present: (item: T) => unknown): (item: T) => boolean {
  let bytes = 0;
  return (item) => {
    const isFirst = bytes === 0;
    bytes += escapedBytes(JSON.stringify(present(item) ?? null));
    return isFirst || bytes <= maxAnswerBytes;
  };
}

/** Reads an event of an HTTP API, payload format 2.0. */
export function httpRequest(event: APIGatewayProxyEventV2): HttpRequest {
  const { stage, http } = event.requestContext;
  const prefix = `/${stage}/`;
  // With a named stage, the raw path begins with it.
  const path =
    stage !== '$default' && event.rawPath.startsWith(prefix)
      ? event.rawPath.slice(prefix.length - 1)
      : event.rawPath;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(event.headers)) {
    if (value !== undefined) headers[name.toLowerCase()] = value;
  }
  return {
    method: http.method.toUpperCase(),
    path,
    query: new URLSearchParams(event.rawQueryString),
    headers,
    body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
    // API Gateway sets the header itself, and serves only https.
    sourceIp: http.sourceIp,
    origin: `${headers['x-forwarded-proto'] === 'http' ? 'http' : 'https'}://${event.requestContext.domainName}`,
  };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse {
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  };
}

export function errorResponse(error: HttpError): HttpResponse {
  return json(error.status, { error: { code: error.code, message: error.message } }, error.headers);
}

/** Reads a JSON object from a request's body. @throws HttpError 400 invalid_json */
export function jsonObject(request: HttpRequest): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(request.body));
  } catch {
    throw new HttpError(400, 'invalid_json', 'the body is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HttpError(400, 'invalid_json', 'the body must be a JSON object');
  }
  return value as Record<string, unknown>;
}
