import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '../../core/config/config.ts';
import { parseConfig } from '../../core/mirror-yaml/parse.ts';

/** What was read in a window. */
export interface PullWindow {
  manifests: number;
  /** Reads that were refused. */
  beyond: number;
}

/** A proxy in front of a registry that limits pulls as Docker Hub does. */
export interface PullLimitedFront extends AsyncDisposable {
  endpoint: string;
  /** HEAD requests for manifests: they are not limited. */
  heads: number;
  /** The windows since the limit was set. The first one begins with the first manifest. */
  windows: PullWindow[];
  /** Begins to limit; absent: no limit. */
  limit: { manifests: number; windowMs: number } | undefined;
}

/**
 * Answers 429 to more than so many GETs of manifests in a window, without saying for how long, and
 * tells how many are left (https://docs.docker.com/docker-hub/usage/pulls/).
 *
 * @param target the registry
 */
export async function startPullLimitedFront(target: () => string): Promise<PullLimitedFront> {
  let beganAt = 0;
  const current = (): PullWindow | undefined => {
    if (front.limit === undefined) return undefined;
    const now = Date.now();
    if (front.windows.length === 0 || now - beganAt >= front.limit.windowMs) {
      // Windows follow each other without a gap, also while nobody asks.
      const passed = Math.floor((now - beganAt) / front.limit.windowMs);
      beganAt = front.windows.length === 0 ? now : beganAt + passed * front.limit.windowMs;
      for (let empty = 1; front.windows.length > 0 && empty < passed; empty += 1)
        front.windows.push({ manifests: 0, beyond: 0 });
      front.windows.push({ manifests: 0, beyond: 0 });
    }
    return front.windows.at(-1);
  };
  const server = createServer((received, answer) => {
    const { method, url = '', headers } = received;
    const isManifest = /\/manifests\/[^/]+$/.test(url);
    if (isManifest && method === 'HEAD') front.heads += 1;
    const window = isManifest ? current() : undefined;
    const { manifests: allowed = 0, windowMs = 0 } = front.limit ?? {};
    if (window && method === 'GET') {
      window.manifests += 1;
      if (window.manifests > allowed) {
        window.beyond += 1;
        answer.writeHead(429, { 'content-type': 'application/json' });
        answer.end(JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'pull rate limit' }] }));
        return;
      }
    }
    const suffix = `w=${Math.ceil(windowMs / 1_000)}`;
    const told = window && {
      'ratelimit-limit': `${allowed};${suffix}`,
      'ratelimit-remaining': `${Math.max(0, allowed - window.manifests)};${suffix}`,
    };
    const passed = send(`${target()}${url}`, { method, headers }, (from) => {
      answer.writeHead(from.statusCode ?? 502, { ...from.headers, ...told });
      from.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    received.pipe(passed);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const front: PullLimitedFront = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heads: 0,
    windows: [],
    limit: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return front;
}

/** A configuration that mirrors `library/*` of Docker Hub, which is at another address. */
export function dockerHubConfig(endpoint: string): Config {
  const parsed = parseConfig(`
version: 1
mirror: { regions: [eu-west-1] }
upstreams:
  - registry: docker.io
    endpoint: ${endpoint}
    repositories: [{ match: "library/*" }]
`);
  if (!parsed.ok) throw new Error(parsed.errors.map(({ message }) => message).join('\n'));
  return parsed.config;
}
