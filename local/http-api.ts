import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { StartError } from './start-error.ts';
import type { Invocable } from './watcher.ts';

/** API Gateway accepts no larger body; the function enforces our own limit of 1 MiB. */
const maxBodyBytes = 10 * 1024 * 1024;

export interface HttpApi {
  /** `http://127.0.0.1:PORT` */
  url: string;
  close(): Promise<void>;
}

/**
 * The largest response that Lambda accepts from a synchronous invocation, as JSON: 6 MB and a few
 * bytes. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
const maxAnswerBytes = 6 * 1024 * 1024 + 100;

/** The function has run, but its result can't be sent. */
class InvalidAnswer extends Error {
  constructor(cause: unknown) {
    super(`the function's answer is invalid: ${(cause as Error).message}`, { cause });
    this.name = 'InvalidAnswer';
  }
}

/**
 * Serves an HTTP API on loopback the way API Gateway does: each request becomes an event in payload
 * format 2.0.
 *
 * @param route returns the function that answers a path.
 * @param port 0 takes a free one.
 */
export async function startHttpApi(
  route: (path: string) => Invocable,
  port: number,
  log: NodeJS.WritableStream,
): Promise<HttpApi> {
  const server = createServer((request, response) => {
    answer(request, response, route).catch((error: Error) => {
      log.write(`the local HTTP API could not answer ${request.method}: ${error.message}\n`);
      // The answers of API Gateway to an invalid function result, and to a failure or timeout.
      if (error instanceof InvalidAnswer) send(response, 500, { message: 'Internal Server Error' });
      else send(response, 503, { message: 'Service Unavailable' });
    });
  });
  server.keepAliveTimeout = 65_000;
  await listen(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(portError(error, port));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}

function portError(error: NodeJS.ErrnoException, port: number): Error {
  const other = 'choose another: --port PORT (without it, drayage takes a free one)';
  if (error.code === 'EADDRINUSE')
    return new StartError(
      `port ${port} is in use`,
      `see which program uses it: ss -ltnp 'sport = :${port}'; or ${other}`,
      error,
    );
  if (error.code === 'EACCES')
    return new StartError(
      `this user may not use port ${port} (EACCES)`,
      `ports below 1024 need root: ${other}`,
      error,
    );
  return error;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  route: (path: string) => Invocable,
): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) {
    send(response, 413, { message: 'Request Too Long' });
    return;
  }
  const event = toEvent(request, body);
  const result = await route(event.rawPath).invoke(event);
  try {
    write(response, result as APIGatewayProxyStructuredResultV2);
  } catch (error) {
    throw new InvalidAnswer(error);
  }
}

/** @throws Error if a status, header or body is not valid in HTTP. */
function write(response: ServerResponse, result: APIGatewayProxyStructuredResultV2): void {
  const size = Buffer.byteLength(JSON.stringify(result));
  if (size > maxAnswerBytes)
    throw new Error(
      `it has ${size} bytes, and Lambda accepts ${maxAnswerBytes}: Function.ResponseSizeTooLarge`,
    );
  for (const [name, value] of Object.entries(result.headers ?? {})) response.setHeader(name, String(value));
  const bytes = Buffer.from(result.body ?? '', result.isBase64Encoded ? 'base64' : 'utf8');
  const status = result.statusCode ?? 200;
  if (status !== 304) response.setHeader('content-length', bytes.byteLength);
  response.writeHead(status).end(response.req.method === 'HEAD' ? undefined : bytes);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // The function's own headers may contradict this body, or be what can't be sent.
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/**
 * The whole body, or undefined if it is too large. The rest is read and dropped, so that the answer
 * gets through.
 */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size <= maxBodyBytes) chunks.push(chunk);
  }
  return size <= maxBodyBytes ? Buffer.concat(chunks) : undefined;
}

function toEvent(request: IncomingMessage, body: Buffer): APIGatewayProxyEventV2 {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value;
  }
  // As API Gateway does, whatever the client sent.
  headers['x-forwarded-proto'] = 'http';
  const isText = /^(text\/|application\/([a-z.+-]*\+)?(json|xml|javascript))/i.test(
    headers['content-type'] ?? '',
  );
  const plain = isText && isUtf8(body);
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: mark < 0 ? '' : url.slice(mark + 1),
    headers,
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      domainName: headers.host ?? '127.0.0.1',
      domainPrefix: 'local',
      http: {
        method: request.method ?? 'GET',
        path,
        protocol: 'HTTP/1.1',
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: new Date().toISOString(),
      timeEpoch: Date.now(),
    },
    ...(body.byteLength > 0 ? { body: body.toString(plain ? 'utf8' : 'base64') } : {}),
    isBase64Encoded: body.byteLength > 0 && !plain,
  };
}
