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
import { BodyReader } from './read-body.ts';

/** A running server. */
export interface AdmissionServer {
  /** `https://127.0.0.1:8443` */
  url: string;
  /** Answers with another certificate from now on. */
  use(certificate: Certificate): void;
  /** Ends once the requests that are under way are answered. */
  close(): Promise<void>;
}

/** Longer than apiservers keep idle connections (90 s), so that they close first. */
const keepAliveMs = 120_000;
const requestMs = 10_000;
/** How often it is looked whether requests take longer than that. */
const lookMs = 2_000;
/** After this time, connections are closed whatever they are doing. */
const closeMs = 10_000;

/** Starts to answer. @throws CommandError if the address can't be used */
export async function startServer(
  { host, port }: ListenAddress,
  certificate: Certificate | undefined,
  answering: Answering,
): Promise<AdmissionServer> {
  const limits = {
    keepAliveTimeout: keepAliveMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: lookMs,
  };
  const bodies = new BodyReader();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    respond(request, response, { answering, bodies }).catch((error: unknown) => {
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
  { answering, bodies }: { answering: Answering; bodies: BodyReader },
): Promise<void> {
  const { method = 'GET', url = '/' } = request;
  const path = url.split('?', 1)[0] ?? '/';
  const { status, body, allow } = await answer({ method, path, body: () => bodies.read(request) }, answering);
  if (allow !== undefined) response.setHeader('allow', allow);
  // Whoever asks next finds another server, and the rest of a body that was refused is not read.
  if (answering.isStopping() || status === 413 || status === 503) response.setHeader('connection', 'close');
  send(response, status, body);
}

function send(response: ServerResponse, status: number, body: object): void {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.byteLength });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}
