import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drayage } from '../support/drayage.ts';

const pods = Array.from({ length: 1_200 }, (_, i) => ({
  metadata: { name: `web-${i}`, namespace: `team-${i % 7}` },
  spec: { containers: [{ name: 'web', image: `nginx:1.${20 + (i % 9)}` }] },
}));
const nodes = ['arm64', 'amd64', 'arm64'].map((architecture, i) => ({
  metadata: { name: `n${i}`, labels: { 'topology.kubernetes.io/region': 'eu-south-1' } },
  status: { nodeInfo: { operatingSystem: 'linux', architecture } },
}));
const resource = (name: string, kind: string, namespaced: boolean) => ({
  name,
  singularName: '',
  namespaced,
  kind,
  verbs: ['get', 'list'],
});

/** As much of the API of Kubernetes as `kubectl get` asks for, in pages. */
function answer(url: URL): unknown {
  const page = (kind: string, items: unknown[]) => {
    const [from, limit] = ['continue', 'limit'].map((name) => Number(url.searchParams.get(name) ?? 0));
    const end = (from ?? 0) + (limit || items.length);
    const metadata = { resourceVersion: '1', ...(end < items.length && { continue: `${end}` }) };
    return { apiVersion: 'v1', kind, metadata, items: items.slice(from, end) };
  };
  switch (url.pathname) {
    case '/api':
      return { kind: 'APIVersions', versions: ['v1'] };
    case '/apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: [] };
    case '/api/v1':
      return {
        kind: 'APIResourceList',
        groupVersion: 'v1',
        resources: [resource('pods', 'Pod', true), resource('nodes', 'Node', false)],
      };
    case '/api/v1/pods':
      return page('PodList', pods);
    case '/api/v1/nodes':
      return page('NodeList', nodes);
    default:
      return undefined;
  }
}

describe('drayage discover with a real kubectl', () => {
  let server: Server;
  let folder: string;
  beforeAll(async () => {
    server = createServer(({ url = '/' }, response) => {
      const body = answer(new URL(url, 'http://localhost'));
      response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body ?? { kind: 'Status', code: 404 }));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    folder = mkdtempSync(join(tmpdir(), 'drayage-kubectl-'));
    const { port } = server.address() as AddressInfo;
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: 'u', user: { token: 't' } }],
      contexts: [{ name: 'production', context: { cluster: 'c', user: 'u' } }],
    };
    writeFileSync(join(folder, 'config'), JSON.stringify(config));
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
  });
  const run = (context: string) =>
    drayage(['discover', '--kubeconfig', 'config', '--context', context], {
      cwd: folder,
      // kubectl keeps what it learns about the API in its home.
      env: { ...process.env, HOME: folder, AWS_REGION: '' },
    });

  it('reads all pages of pods, and the nodes', async () => {
    const { code, stdout, stderr } = await run('production');
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('# What runs, as drayage discover found it: 1200 pods, 9 images');
    expect(stdout).toContain('# Platforms of the 3 nodes: linux/arm64 (2), linux/amd64 (1).');
    expect(stdout).toContain('regions: [eu-south-1]    # where the nodes are');
    expect(stdout).toContain('tags: { semver: ">=1.20 <2" }');
  });

  it('says what kubectl says if it fails', async () => {
    const { code, stdout, stderr } = await run('other');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('context was not found for specified context: other');
    expect(stderr).toContain('kubectl config get-contexts');
  });
});
