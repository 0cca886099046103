import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { generate } from 'selfsigned';

/** Servers that fail in the ways that a user meets first. */
export interface FailingServers {
  /** `127.0.0.1:PORT` by name. */
  hosts: Record<string, string>;
  /** Certificates by the name of their server, PEM. */
  certificates: Record<string, string>;
  stop(): void;
}

const errors = (code: string, message: string) => JSON.stringify({ errors: [{ code, message }] });

/** What a registry answers, by repository. `silent` answers nothing. */
const answers: Record<string, { status: number; headers?: Record<string, string>; body?: string }> = {
  empty: {
    status: 200,
    headers: { 'content-type': 'application/vnd.oci.image.index.v1+json' },
    body: '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}',
  },
  missing: { status: 404, body: errors('NAME_UNKNOWN', 'repository name not known to registry') },
  'no-tag': { status: 404, body: errors('MANIFEST_UNKNOWN', 'manifest unknown') },
  private: {
    status: 401,
    headers: { 'www-authenticate': 'Basic realm="registry"' },
    body: errors('UNAUTHORIZED', 'authentication required'),
  },
  denied: { status: 403, body: errors('DENIED', 'requested access to the resource is denied') },
  limited: { status: 429, body: errors('TOOMANYREQUESTS', 'You have reached your pull rate limit') },
  'limited-for-an-hour': { status: 429, headers: { 'retry-after': '3600' } },
  broken: { status: 503, body: '<html><title>503 Service Unavailable</title></html>' },
  page: { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Welcome</html>' },
};

const registry: RequestListener = (request, response) => {
  const repository = /^\/v2\/([^/]+)\//.exec(request.url ?? '')?.[1] ?? '';
  if (repository === 'silent') return;
  const { status, headers, body } = answers[repository] ?? { status: 404 };
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
};

async function certificateFor(name: { ip: string } | { dns: string }, notAfterDate?: Date) {
  const altName = 'ip' in name ? { type: 7 as const, ip: name.ip } : { type: 2 as const, value: name.dns };
  const made = await generate([{ name: 'commonName', value: 'registry' }], {
    ...(notAfterDate && { notBeforeDate: new Date('2020-01-01'), notAfterDate }),
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [altName] },
    ],
  });
  return { key: made.private, cert: made.cert };
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Starts them on loopback. */
export async function startFailingServers(): Promise<FailingServers> {
  const here = { ip: '127.0.0.1' };
  const certified = {
    'self-signed': await certificateFor(here),
    expired: await certificateFor(here, new Date('2021-01-01')),
    'other-name': await certificateFor({ dns: 'other.example' }),
  };
  const servers: Record<string, Server> = {
    plain: createHttpServer(registry),
    web: createHttpServer((_, response) => void response.end('<html>Hello</html>')),
    // As servers in Go answer HTTP where they speak HTTPS, among them docker-registry, Harbor and Gitea.
    'https-in-go': createHttpServer((_, response) =>
      response.writeHead(400).end('Client sent an HTTP request to an HTTPS server.\n'),
    ),
    ...Object.fromEntries(
      Object.entries(certified).map(([name, certificate]) => [
        name,
        createHttpsServer(certificate, registry),
      ]),
    ),
  };
  const hosts: Record<string, string> = {};
  for (const [name, server] of Object.entries(servers)) hosts[name] = await listening(server);
  const gone = createTcpServer();
  hosts.closed = await listening(gone);
  gone.close();
  return {
    hosts,
    certificates: Object.fromEntries(Object.entries(certified).map(([name, { cert }]) => [name, cert])),
    stop: () => {
      for (const server of Object.values(servers)) server.close();
    },
  };
}
