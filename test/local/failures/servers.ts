import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { generate } from 'selfsigned';

/** A server on loopback, until it is disposed of. */
export interface LoopbackServer extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  host: string;
}

/** What a scripted server answers. */
export interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** An object is sent as JSON. */
  body?: string | object;
}

/** Answers every request over HTTP. */
export function serve(answer: (request: IncomingMessage) => Answer): Promise<LoopbackServer> {
  return listen(createHttpServer(answering(answer)));
}

/** The names and the time that a certificate is valid for. */
export interface CertificateOptions {
  /** DNS names besides the address 127.0.0.1; `only` leaves the address out. */
  only?: string;
  notBefore?: Date;
  notAfter?: Date;
}

/** Answers every request over TLS, with a self-signed certificate. */
export async function serveTls(
  answer: (request: IncomingMessage) => Answer,
  options: CertificateOptions = {},
): Promise<LoopbackServer & { certificate: string }> {
  const { only, notBefore, notAfter } = options;
  const altNames =
    only === undefined ? [{ type: 7 as const, ip: '127.0.0.1' }] : [{ type: 2 as const, value: only }];
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'drayage test' }], {
    ...(notBefore && { notBeforeDate: notBefore }),
    ...(notAfter && { notAfterDate: notAfter }),
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames },
    ],
  });
  return { ...(await listen(createHttpsServer({ key, cert }, answering(answer)))), certificate: cert };
}

/** Accepts connections, and does with them what it is told, without a protocol. */
export function serveSockets(onSocket: (socket: Socket) => void): Promise<LoopbackServer> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  return listen(server);
}

/** A port where nobody listens. */
export async function closedPort(): Promise<string> {
  await using server = await serveSockets(() => {});
  return server.host;
}

/**
 * A registry’s error:
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export function errorAnswer(status: number, code: string, message: string, headers = {}): Answer {
  return { status, headers, body: { errors: [{ code, message }] } };
}

function answering(answer: (request: IncomingMessage) => Answer): RequestListener {
  return (request, response) => {
    const { status, headers = {}, body = '' } = answer(request);
    const isJson = typeof body === 'object';
    response.writeHead(status, { ...(isJson && { 'content-type': 'application/json' }), ...headers });
    response.end(isJson ? JSON.stringify(body) : body);
  };
}

async function listen(server: Server): Promise<LoopbackServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
