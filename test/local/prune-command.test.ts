import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { runPrune } from '../../cli/prune/run.ts';
import { runRedrive } from '../../cli/redrive/run.ts';

/** An API that answers each request by its method and path. */
async function startApi(answer: (request: string, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader('content-type', 'application/json');
    answer(`${request.method} ${new URL(request.url ?? '', 'http://localhost').pathname}`, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const pass = {
  id: 'pass-1',
  dryRun: true,
  requestedAt: '2026-04-01T12:00:00.000Z',
  repositories: [],
  totals: { images: 0, bytes: 0, dollarsPerMonth: 0, failed: 0 },
};

/** What a command writes to stderr. */
function told(): string[] {
  const lines: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  return lines;
}
afterEach(() => void vi.restoreAllMocks());

describe('drayage prune', () => {
  it('stops waiting at --timeout, and says that the deployment goes on', async () => {
    told();
    const api = await startApi((_, response) => void response.end(JSON.stringify(pass)));
    await expect(runPrune(undefined, { api, timeout: 0.1 })).rejects.toThrow(
      'not done within 0.1 s; the deployment goes on',
    );
  });

  it('goes on when the API fails for a moment', async () => {
    const lines = told();
    let asked = 0;
    const api = await startApi((request, response) => {
      if (request.startsWith('GET')) asked += 1;
      if (request.startsWith('GET') && asked === 2) {
        response.destroy();
        return;
      }
      const isDone = asked > 2;
      response.end(JSON.stringify({ ...pass, ...(isDone && { finishedAt: '2026-04-01T12:01:00.000Z' }) }));
    });
    await runPrune(undefined, { api });
    expect(lines.join('')).toContain('nothing would be deleted');
    expect(asked).toBeGreaterThan(2);
  });
});

describe('drayage redrive', () => {
  it('says what a short name was read as', async () => {
    const lines = told();
    const api = await startApi((_, response) => void response.end(JSON.stringify({ jobs: [], skipped: [] })));
    await runRedrive({ api, state: 'failed', image: 'acme' });
    expect(lines[0]).toBe('--image acme was read as docker.io/library/acme\n');
    lines.length = 0;
    await runRedrive({ api, state: 'failed', image: 'ghcr.io/acme/app' });
    expect(lines.join('')).not.toContain('was read as');
  });
});
