import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request that arrived at one of the local stack's services. */
export interface RecordedCall {
  /** The function that signed it. */
  function: string;
  /** The service as IAM calls it; `registry` is the registry protocol of ECR. */
  service: string;
  /** The operation of an API with JSON; the HTTP method elsewhere. */
  operation: string;
  /** The decoded path and the query. */
  path: string;
  query: URLSearchParams;
  /** The body of an API with JSON. */
  input: Record<string, unknown>;
}

/** How the services name themselves in `x-amz-target`. */
const services: Record<string, string> = {
  DynamoDB_20120810: 'dynamodb',
  AmazonSQS: 'sqs',
  AmazonEC2ContainerRegistry_V20150921: 'ecr',
  secretsmanager: 'secretsmanager',
  AWSEvents: 'events',
};

/** Separates a password of ECR and the function that it was issued to. */
const mark = '~issued-to~';

/**
 * Records which calls the functions of a local stack make, with their inputs. They sign as
 * themselves. For the registry protocol, ECR issues a password to each caller; the embedded
 * registry has one for all. So the recorder adds the function's name to the password on its way to
 * the function, and removes it on the way back.
 *
 * @returns the calls so far, and a function that ends the recording
 */
export function recordCalls(): { calls: RecordedCall[]; stop(): void } {
  const calls: RecordedCall[] = [];
  const listen = (message: unknown) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    const call = signedCall(request) ?? registryCall(request);
    if (call === undefined) return;
    calls.push(call);
    if (request.headers['x-amz-target'] !== undefined) readBody(request, call);
    if (call.operation === 'GetAuthorizationToken') nameInPassword(response, call.function);
  };
  subscribe('http.server.request.start', listen);
  return { calls, stop: () => unsubscribe('http.server.request.start', listen) };
}

/** A request with a signature in its header or, for downloads from S3, in its address. */
function signedCall(request: IncomingMessage): RecordedCall | undefined {
  const url = new URL(request.url ?? '/', 'http://local');
  const credential =
    /Credential=([^,]+)/.exec(request.headers.authorization ?? '')?.[1] ??
    url.searchParams.get('X-Amz-Credential') ??
    '';
  const [signer = '', , , scope] = credential.split('/');
  const [prefix = '', operation = ''] = String(request.headers['x-amz-target'] ?? '').split('.');
  const service = services[prefix] ?? scope;
  if (service === undefined) return undefined;
  return {
    function: signer,
    service,
    operation: operation || (request.method ?? ''),
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    input: {},
  };
}

/** A request of the registry protocol, whose password names the function. */
function registryCall(request: IncomingMessage): RecordedCall | undefined {
  const [scheme, encoded = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme !== 'Basic') return undefined;
  const [password = '', name] = Buffer.from(encoded, 'base64').toString().split(mark);
  if (name === undefined) return undefined;
  request.headers.authorization = `Basic ${Buffer.from(password).toString('base64')}`;
  const url = new URL(request.url ?? '/', 'http://local');
  // Layers are downloaded from addresses that the registry has signed.
  if (!url.pathname.startsWith('/v2/')) return undefined;
  return {
    function: name,
    service: 'registry',
    operation: request.method ?? '',
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    input: {},
  };
}

/** Reads a body of JSON while the server reads it. */
function readBody(request: IncomingMessage, call: RecordedCall): void {
  const chunks: Buffer[] = [];
  const push = request.push.bind(request);
  request.push = (chunk: Buffer | null, ...rest) => {
    if (chunk !== null) chunks.push(chunk);
    else if (chunks.length > 0) call.input = JSON.parse(Buffer.concat(chunks).toString());
    return push(chunk, ...rest);
  };
}

function nameInPassword(response: ServerResponse, name: string): void {
  const writeHead = response.writeHead.bind(response) as (status: number, headers: object) => ServerResponse;
  response.writeHead = ((status: number, { 'content-length': _, ...headers }: Record<string, string>) =>
    writeHead(status, headers)) as typeof response.writeHead;
  const write = response.write.bind(response) as (chunk: string) => boolean;
  response.write = ((chunk: Uint8Array) => {
    const answer = JSON.parse(Buffer.from(chunk).toString());
    for (const data of answer.authorizationData ?? []) {
      const login = Buffer.from(data.authorizationToken, 'base64').toString();
      data.authorizationToken = Buffer.from(login + mark + name).toString('base64');
    }
    return write(JSON.stringify(answer));
  }) as typeof response.write;
}
