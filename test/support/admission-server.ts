import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Mapping } from '../../core/mapping/record.ts';

const program = fileURLToPath(new URL('../../cli/drayage.js', import.meta.url));

/** A running `drayage admission`. */
export interface RunningAdmission {
  url: string;
  log(): string;
  /** Sends the signal, and resolves with the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts `drayage admission` on a free port; killed when the test ends. */
export async function startAdmission(
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<RunningAdmission> {
  const child = spawn(process.execPath, [program, 'admission', '--listen', '127.0.0.1:0', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  while (!stdout.includes('\n')) {
    if (child.exitCode !== null) throw new Error(`drayage admission ended with ${child.exitCode}: ${stderr}`);
    await Promise.race([once(child.stdout, 'data'), closed]);
  }
  return {
    url: (JSON.parse(stdout.split('\n')[0] ?? '') as { url: string }).url,
    log: () => stderr,
    async end(signal) {
      child.kill(signal);
      return (await closed)[0];
    },
  };
}

/** What a fake API answers, and what it was asked. */
export interface FakeApi {
  url: string;
  mappings: readonly Mapping[];
  isDown: boolean;
  /** The `If-None-Match` of each request for the export. */
  asked: (string | undefined)[];
  /** The images of each request to mirror some. */
  mirrored: string[][];
}

/** An API with nothing but exports and `POST /v1/mirrors`; it ends with the test. */
export async function startFakeApi(mappings: readonly Mapping[], token: string): Promise<FakeApi> {
  const api: FakeApi = { url: '', mappings, isDown: false, asked: [], mirrored: [] };
  const server = createServer(async (incoming, answer) => {
    const body = await textOf(incoming);
    if (api.isDown) return answer.destroy();
    if (incoming.headers.authorization !== `Bearer ${token}`) return answer.writeHead(401).end('{}');
    if (incoming.method === 'POST' && incoming.url === '/v1/mirrors') {
      api.mirrored.push((JSON.parse(body) as { images: string[] }).images);
      return answer.writeHead(202).end('{"jobs":[]}');
    }
    if (!/^\/v1\/exports\/json(\?|$)/.test(incoming.url ?? '')) return answer.writeHead(404).end('{}');
    const etag = `W/"${api.mappings.length}"`;
    api.asked.push(incoming.headers['if-none-match']);
    if (incoming.headers['if-none-match'] === etag) return answer.writeHead(304, { etag }).end();
    const lines = api.mappings.map((mapping) => `\n${JSON.stringify(mapping)}`).join(',');
    return answer.writeHead(200, { etag }).end(`{"version":1,"mappings":[${lines}\n]}\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return api;
}

/** Sends a request by TLS, and trusts one authority. */
export async function overTls(
  url: string,
  { ca, method = 'GET', body }: { ca: string; method?: string; body?: string },
): Promise<{ status: number; text: string; certificate: string }> {
  const outgoing = request(url, {
    ca,
    method,
    agent: false,
    headers: { 'content-type': 'application/json' },
  });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [
    IncomingMessage & { socket: import('node:tls').TLSSocket },
  ];
  const certificate = incoming.socket.getPeerCertificate().fingerprint256;
  return { status: incoming.statusCode ?? 0, text: await textOf(incoming), certificate };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk;
  return text;
}
