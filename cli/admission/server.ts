import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CommandError } from '../shared/command-error.ts';
import { type Answering, answer } from './answer.ts';
import type { Certificate } from './certificate.ts';
import type { ListenAddress } from './listen-address.ts';

/** A running server. */
export interface AdmissionServer {
  /** `https://127.0.0.1:8443` */
  url: string;
  /** Answers with another certificate from now on. */
  use(certificate: Certificate): void;
  /** Ends once the requests that are under way are answered. */
  close(): Promise<void>;
}

/** An apiserver stores objects of up to 1.5 MB, and sends two of them. */
const mostBytes = 8 * 1024 * 1024;
/** Longer than apiservers keep idle connections (90 s), so that they close first. */
const keepAliveMs = 120_000;
const requestMs = 10_000;
/** After this time, connections are closed whatever they are doing. */
const closeMs = 10_000;

/** Starts to answer. @throws CommandError if the address can't be used */
export async function startServer(
  { host, port }: ListenAddress,
  certificate: Certificate | undefined,
  answering: Answering,
): Promise<AdmissionServer> {
  const limits = { keepAliveTimeout: keepAliveMs, requestTimeout: requestMs };
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    respond(request, response, answering).catch((error: unknown) => {
      answering.log('error', 'a request could not be answered', { error });
      if (response.headersSent) response.destroy();
      else send(response, 500, { error: { code: 'internal', message: 'the server’s log has it' } });
    });
  };
  const secure = certificate && createHttpsServer({ ...certificate, ...limits }, listener);
  const server: Server | HttpsServer = secure ?? createHttpServer(limits, listener);
  await listen(server, { host, port });
  const { address, family, port: taken } = server.address() as AddressInfo;
  return {
    url: `${secure ? 'https' : 'http'}://${family === 'IPv6' ? `[${address}]` : address}:${taken}`,
    use: (next) => secure?.setSecureContext({ ...next }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), closeMs).unref();
      }),
  };
}

async function listen(server: Server | HttpsServer, { host, port }: ListenAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new CommandError(
          `--listen: ${host === '' ? '' : `${host} `}port ${port} can’t be used (${error.code})`,
          error.code === 'EADDRINUSE'
            ? 'another program uses it: choose another port'
            : 'name an address of this machine, and a port above 1023 unless you are root',
        ),
      ),
    );
    server.listen({ port, ...(host !== '' && { host }) }, resolve);
  });
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  answering: Answering,
): Promise<void> {
  const { method = 'GET', url = '/' } = request;
  const path = url.split('?', 1)[0] ?? '/';
  const { status, body, allow } = await answer({ method, path, body: () => readBody(request) }, answering);
  if (allow !== undefined) response.setHeader('allow', allow);
  // Whoever asks next finds another server, and the rest of a body that was too large is not read.
  if (answering.isStopping() || status === 413) response.setHeader('connection', 'close');
  send(response, status, body);
}

function send(response: ServerResponse, status: number, body: object): void {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.byteLength });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}

/** The whole body; undefined if it is too large. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > mostBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
