import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { inClusterWebhook, remoteWebhook } from '../../../core/exports/manifests/admission-webhook/index.ts';
import { gatekeeperManifests } from '../../../core/exports/manifests/gatekeeper.ts';

interface Printed {
  kind: string;
  metadata: { name: string; namespace?: string; annotations?: object };
  spec: Record<string, never>;
  webhooks: Record<string, never>[];
}

const objectsOf = (text: string) =>
  parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Printed;
  });
const scope = { excludedNamespaces: [], namespaces: [], optIn: false };
const common = { scope, missing: 'keep', timeoutSeconds: 5 };
const server = {
  ...common,
  image: 'registry.example/drayage:1',
  replicas: 2,
  api: 'https://api.example',
  refresh: '30s',
  tags: false,
};
const ofKind = (objects: Printed[], kind: string) => objects.filter((object) => object.kind === kind);

describe('the webhook that the API answers', () => {
  const url = 'https://api.example/v1/admission/secret';

  it('is one object, which sees new Pods and new ephemeral containers only', () => {
    const [object, ...others] = objectsOf(remoteWebhook(url, common));
    expect(others).toEqual([]);
    expect(object).toEqual({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'drayage' },
      webhooks: [
        {
          name: 'rewrite.drayage.dev',
          admissionReviewVersions: ['v1'],
          clientConfig: { url },
          failurePolicy: 'Ignore',
          timeoutSeconds: 5,
          sideEffects: 'None',
          reinvocationPolicy: 'IfNeeded',
          namespaceSelector: {
            matchExpressions: [
              { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system'] },
              { key: 'drayage.dev/rewrite', operator: 'NotIn', values: ['disabled'] },
            ],
          },
          objectSelector: {
            matchExpressions: [{ key: 'drayage.dev/rewrite', operator: 'NotIn', values: ['disabled'] }],
          },
          rules: [
            {
              apiGroups: [''],
              apiVersions: ['v1'],
              resources: ['pods'],
              operations: ['CREATE'],
              scope: 'Namespaced',
            },
            {
              apiGroups: [''],
              apiVersions: ['v1'],
              resources: ['pods/ephemeralcontainers'],
              operations: ['UPDATE'],
              scope: 'Namespaced',
            },
          ],
        },
      ],
    });
  });

  it('has other selectors, side effects and an authority if it is told to', () => {
    const [object] = objectsOf(
      remoteWebhook(url, {
        scope: { excludedNamespaces: ['istio-system'], namespaces: ['a', 'b'], optIn: true },
        missing: 'enqueue',
        timeoutSeconds: 3,
        caBundle: 'PEM',
      }),
    );
    expect(object?.webhooks[0]).toMatchObject({
      clientConfig: { url, caBundle: 'UEVN' },
      sideEffects: 'NoneOnDryRun',
      timeoutSeconds: 3,
      namespaceSelector: {
        matchExpressions: [
          { operator: 'NotIn', values: ['kube-system', 'istio-system'] },
          { key: 'kubernetes.io/metadata.name', operator: 'In', values: ['a', 'b'] },
          { key: 'drayage.dev/rewrite', operator: 'In', values: ['enabled'] },
        ],
      },
    });
  });
});

describe('the webhook in the cluster', () => {
  it('is a server with what it needs, and not rewritten itself', () => {
    const objects = objectsOf(inClusterWebhook({ ...server, caBundle: 'PEM' }));
    expect(
      objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`),
    ).toEqual([
      'Namespace /drayage',
      'ServiceAccount drayage/drayage-admission',
      'Service drayage/drayage-admission',
      'Deployment drayage/drayage-admission',
      'PodDisruptionBudget drayage/drayage-admission',
      'MutatingWebhookConfiguration /drayage',
    ]);
    const [deployment] = ofKind(objects, 'Deployment');
    expect(deployment?.spec).toMatchObject({
      replicas: 2,
      template: {
        metadata: { labels: { 'drayage.dev/rewrite': 'disabled' } },
        spec: {
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              image: 'registry.example/drayage:1',
              args: expect.arrayContaining(['admission', '--api=https://api.example', '--missing=keep']),
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
            },
          ],
        },
      },
    });
    expect(objects.at(-1)?.webhooks[0]?.clientConfig).toEqual({
      service: { name: 'drayage-admission', namespace: 'drayage', path: '/v1/admission', port: 443 },
      caBundle: 'UEVN',
    });
  });

  it('passes options to the server', () => {
    const objects = objectsOf(
      inClusterWebhook({
        ...server,
        caBundle: 'PEM',
        replicas: 1,
        region: 'eu-west-1',
        tags: true,
        missing: 'deny',
        refresh: '5m',
      }),
    );
    expect(ofKind(objects, 'PodDisruptionBudget')).toEqual([]);
    expect(JSON.stringify(ofKind(objects, 'Deployment')[0]?.spec)).toContain(
      '"--refresh=5m","--missing=deny","--region=eu-west-1","--tags"',
    );
  });

  it('leaves its certificate to cert-manager', () => {
    const own = objectsOf(inClusterWebhook({ ...server, certManager: {} }));
    expect(ofKind(own, 'Issuer')).toHaveLength(1);
    expect(ofKind(own, 'Certificate')[0]?.spec).toEqual({
      secretName: 'drayage-admission-tls',
      dnsNames: ['drayage-admission.drayage.svc', 'drayage-admission.drayage.svc.cluster.local'],
      issuerRef: { kind: 'Issuer', name: 'drayage-admission' },
    });
    expect(own.at(-1)?.metadata.annotations).toEqual({
      'cert-manager.io/inject-ca-from': 'drayage/drayage-admission',
    });
    const issuer = { kind: 'ClusterIssuer' as const, name: 'internal' };
    const other = objectsOf(inClusterWebhook({ ...server, certManager: { issuer } }));
    expect(ofKind(other, 'Issuer')).toEqual([]);
    expect(ofKind(other, 'Certificate')[0]?.spec).toMatchObject({ issuerRef: issuer });
  });
});

describe('Gatekeeper', () => {
  it('asks the server about each place of an image', () => {
    const [provider, ...assigns] = objectsOf(
      gatekeeperManifests({ scope, timeoutSeconds: 1, caBundle: 'PEM' }),
    );
    expect(provider).toEqual({
      apiVersion: 'externaldata.gatekeeper.sh/v1beta1',
      kind: 'Provider',
      metadata: { name: 'drayage' },
      spec: {
        url: 'https://drayage-admission.drayage.svc:443/v1/gatekeeper',
        timeout: 1,
        caBundle: 'UEVN',
      },
    });
    expect(assigns.map(({ spec }) => spec.location)).toEqual([
      'spec.containers[name:*].image',
      'spec.initContainers[name:*].image',
      'spec.ephemeralContainers[name:*].image',
      'spec.volumes[name:*].image.reference',
    ]);
    for (const { kind, spec } of assigns) {
      expect(kind).toBe('Assign');
      expect(spec).toMatchObject({
        match: {
          scope: 'Namespaced',
          namespaceSelector: expect.anything(),
          labelSelector: expect.anything(),
        },
        parameters: {
          pathTests: [{ subPath: spec.location, condition: 'MustExist' }],
          assign: { externalData: { provider: 'drayage', failurePolicy: 'Ignore' } },
        },
      });
    }
  });
});
