import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { generate } from 'selfsigned';
import { type Cluster, plain, podsPath } from './cluster.ts';

/** An AdmissionReview as the API server sends it. */
export interface Review {
  apiVersion: string;
  kind: string;
  request: { uid: string; operation: string; dryRun: boolean; object: { spec: { containers: unknown[] } } };
}

/** What a webhook of a test patches. */
export type Patch = (review: Review) => { op: 'add'; path: string; value: unknown }[];

/** A mutating webhook that is registered until it is disposed of. */
export async function startWebhook(cluster: Cluster, name: string, patch: Patch): Promise<AsyncDisposable> {
  const { key, certificate } = await loopbackCertificate();
  const server = createServer({ key, cert: certificate }, async (request, response) => {
    const review = (await json(request)) as Review;
    const patches = patch(review);
    const answer = {
      apiVersion: review.apiVersion,
      kind: review.kind,
      response: {
        uid: review.request.uid,
        allowed: true,
        ...(patches.length > 0 && {
          patchType: 'JSONPatch',
          patch: Buffer.from(JSON.stringify(patches)).toString('base64'),
        }),
      },
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const unregister = await registerWebhook(cluster, { name, url, certificate });
  return {
    async [Symbol.asyncDispose]() {
      await unregister();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A key and a certificate for 127.0.0.1, in PEM. */
export async function loopbackCertificate(): Promise<{ key: string; certificate: string }> {
  const { private: key, cert: certificate } = await generate(
    [{ name: 'commonName', value: 'drayage test' }],
    {
      extensions: [
        { name: 'basicConstraints', cA: true },
        { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
      ],
    },
  );
  return { key, certificate };
}

/**
 * Registers a webhook as `drayage export admission-webhook` does, except that it must not fail.
 * @returns what removes it
 */
export async function registerWebhook(
  cluster: Cluster,
  { name, url, certificate }: { name: string; url: string; certificate: string },
): Promise<() => Promise<void>> {
  const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
  const rule = { apiGroups: [''], apiVersions: ['v1'] };
  await cluster.get('POST', path, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name: `${name}.drayage.dev`,
        admissionReviewVersions: ['v1'],
        clientConfig: { url, caBundle: Buffer.from(certificate).toString('base64') },
        failurePolicy: 'Fail',
        sideEffects: 'None',
        timeoutSeconds: 5,
        reinvocationPolicy: 'IfNeeded',
        ...(name === 'drayage' && {
          namespaceSelector: {
            matchExpressions: [{ key: 'drayage.dev/rewrite', operator: 'NotIn', values: ['disabled'] }],
          },
        }),
        rules: [
          { ...rule, resources: ['pods'], operations: ['CREATE'] },
          { ...rule, resources: ['pods/ephemeralcontainers'], operations: ['UPDATE'] },
        ],
      },
    ],
  });
  return async () => {
    await cluster.get('DELETE', `${path}/${name}`);
  };
}

/** Starts a webhook that injects containers, and waits until it does. */
export async function startInjector(cluster: Cluster): Promise<AsyncDisposable> {
  const running = await startWebhook(cluster, 'sidecars', injectSidecars);
  await untilInjected(cluster, true);
  return {
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await untilInjected(cluster, false);
    },
  };
}

async function untilInjected(cluster: Cluster, isWanted: boolean): Promise<void> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'probe' },
    spec: { containers: [{ name: 'c', image: 'x' }] },
  };
  // While the webhook goes away, its pods are refused.
  for (;;) {
    const { status, text } = await cluster.ask('POST', `${podsPath(plain)}?dryRun=All`, pod);
    if (status < 300 && text.includes('"injected"') === isWanted) return;
  }
}

/** Adds two containers to each pod, as a mesh's injector does. */
const injectSidecars: Patch = ({ request }) => {
  const { object } = request as {
    object: { spec: { containers: { name: string }[]; initContainers?: unknown[] } };
  };
  const { containers, initContainers } = object.spec;
  if (request.operation !== 'CREATE' || containers.some(({ name }) => name === 'injected')) return [];
  const init = { name: 'injected-init', image: 'ghcr.io/acme/tool' };
  return [
    { op: 'add', path: '/spec/containers/-', value: { name: 'injected', image: 'nginx:1.27' } },
    initContainers === undefined
      ? { op: 'add', path: '/spec/initContainers', value: [init] }
      : { op: 'add', path: '/spec/initContainers/0', value: init },
  ];
};
