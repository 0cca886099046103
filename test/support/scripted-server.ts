/**
 * An HTTP server that plays a script: it expects requests one by one and answers each as its step
 * says. A request that no step expects, or a step that nobody asked for, fails the test (after
 * regclient's internal/reqresp).
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** What a step answers. */
export interface ScriptedAnswer {
  status: number;
  headers?: Record<string, string>;
  /** A string or bytes; an object is sent as JSON. */
  body?: string | Uint8Array | object;
}

/** A request as it came. */
export interface ReceivedRequest {
  method: string;
  /** With its query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface ScriptedStep {
  /** `GET /v2/`: the method and the path with its query, in which all must match. */
  request: string;
  /** Headers that the request must have; null means that it must not have the header. */
  headers?: Record<string, string | RegExp | null>;
  /** The body that it must have. */
  body?: string | Uint8Array;
  /**
   * What to answer. A function answers by itself (slowly, halfway, never). It is called with the
   * request before its body is read, unless the step has a `body`.
   */
  answer: ScriptedAnswer | ((response: ServerResponse, request: IncomingMessage) => void);
}

export interface ScriptedServer {
  /** `http://127.0.0.1:PORT` */
  origin: string;
  /** `127.0.0.1:PORT` */
  host: string;
  /** All requests so far. */
  requests: ReceivedRequest[];
  /** Appends steps, for scripts that need the server's own address. */
  expect(...steps: ScriptedStep[]): void;
}

export interface ScriptOptions {
  /** Steps may be requested in any order, each once. */
  anyOrder?: boolean;
}

/**
 * Starts a server for the running test. It is stopped when the test ends, and fails the test if the
 * script was not followed.
 */
export async function startScriptedServer(
  steps: ScriptedStep[] = [],
  options: ScriptOptions = {},
): Promise<ScriptedServer> {
  const script = [...steps];
  const problems: string[] = [];
  const requests: ReceivedRequest[] = [];

  const take = (line: string): ScriptedStep | undefined => {
    const index = options.anyOrder ? script.findIndex((step) => step.request === line) : 0;
    return script[index]?.request === line ? script.splice(index, 1)[0] : undefined;
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const line = `${request.method} ${request.url}`;
    const step = take(line);
    const received: ReceivedRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: Buffer.alloc(0),
    };
    requests.push(received);
    if (!step) {
      problems.push(`unexpected request: ${line}; expected ${script[0]?.request ?? 'none'}`);
      response.writeHead(599).end();
      return;
    }
    for (const [name, expected] of Object.entries(step.headers ?? {})) {
      const actual = request.headers[name.toLowerCase()];
      if (!headerMatches(actual, expected))
        problems.push(`${line}: header ${name} is ${actual}, expected ${expected}`);
    }
    if (typeof step.answer !== 'function' || step.body !== undefined) {
      for await (const chunk of request) received.body = Buffer.concat([received.body, chunk as Buffer]);
    }
    if (step.body !== undefined && !received.body.equals(Buffer.from(step.body))) {
      problems.push(`${line}: the body has ${received.body.length} bytes and is not what was expected`);
    }
    if (typeof step.answer === 'function') step.answer(response, request);
    else respond(response, step.answer);
  };

  const server = createServer((request, response) => {
    // Some tests are about a client that leaves in the middle.
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    for (const step of script) problems.push(`nobody asked for: ${step.request}`);
    if (problems.length > 0) throw new Error(`the script was not followed:\n${problems.join('\n')}`);
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin: `http://${host}`, host, requests, expect: (...more) => void script.push(...more) };
}

function headerMatches(actual: string | string[] | undefined, expected: string | RegExp | null): boolean {
  if (expected === null) return actual === undefined;
  return expected instanceof RegExp ? expected.test(String(actual)) : actual === expected;
}

function respond(response: ServerResponse, { status, headers = {}, body }: ScriptedAnswer): void {
  const isJson = typeof body === 'object' && !(body instanceof Uint8Array);
  const bytes = Buffer.from(isJson ? JSON.stringify(body) : (body ?? ''));
  response.writeHead(status, {
    ...(isJson ? { 'content-type': 'application/json' } : {}),
    ...(body === undefined ? {} : { 'content-length': String(bytes.length) }),
    ...headers,
  });
  response.end(bytes);
}
