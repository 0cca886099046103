import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';

/** What an API server answered. */
export interface KubeAnswer {
  status: number;
  text: string;
}

/** A running API server, with requests to it over connections that stay open. */
export interface Cluster extends AsyncDisposable {
  version: string;
  control: ControlPlane;
  certificate: string;
  ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object | string): Promise<KubeAnswer>;
  /** The object that was answered. @throws Error with the answer if it is an error */
  get<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object | string): Promise<T>;
  /** Server-side apply of a stream of manifests, as its users do. */
  apply(manifests: string): void;
}

/** Starts etcd and an API server, without anything that would run pods. */
export async function startCluster(bin: string, version: '1.36' | '1.37', folder: string): Promise<Cluster> {
  const control = await startControlPlane({ bin, folder, version, controllers: false });
  const certificate = readFileSync(control.caFile, 'utf8');
  const dispatcher = new Agent({ connect: { ca: certificate } });
  const cluster: Cluster = {
    version,
    control,
    certificate,
    async ask(method, path, body) {
      const { statusCode, body: answer } = await request(`${control.server}${path}`, {
        dispatcher,
        method,
        headers: { authorization: `Bearer ${control.token}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      return { status: statusCode, text: await answer.text() };
    },
    async get<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object | string) {
      const { status, text } = await cluster.ask(method, path, body);
      if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
      return JSON.parse(text) as T;
    },
    apply(manifests) {
      control.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], manifests);
    },
    async [Symbol.asyncDispose]() {
      await dispatcher.close();
      await control.stop();
    },
  };
  return cluster;
}

/** The namespaces of the tests: pods of the first are left alone, by its label. */
export const plain = 'plain';
export const mirrored = 'mirrored';

/** Creates them. */
export async function createNamespaces(cluster: Cluster): Promise<void> {
  for (const [name, labels] of [
    [plain, { 'drayage.dev/rewrite': 'disabled' }],
    [mirrored, {}],
  ] as const)
    await cluster.get('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels },
    });
}

export const podsPath = (namespace: string, name = '') =>
  `/api/v1/namespaces/${namespace}/pods${name && `/${name}`}`;

/** Removes all pods of a namespace at once. */
export async function removePods(cluster: Cluster, namespace: string): Promise<void> {
  await cluster.get('DELETE', `${podsPath(namespace)}?gracePeriodSeconds=0`);
}
