import { rewriteLabel } from '../admission-policy/policy.ts';
import type { Manifest } from '../print-manifests.ts';
import { labels, namespace, serverName, tlsSecret } from './names.ts';

/** The server in the cluster. */
export interface ServerOptions {
  /** The image of the drayage command. */
  image: string;
  replicas: number;
  /** The address of Drayage's API, without a slash at its end. */
  api: string;
  /** Which region's mirror the cluster uses; by default, the mapping's own. */
  region?: string | undefined;
  /** How often the mapping is fetched: `30s`. */
  refresh: string;
  missing: string;
  /** Name the mirror's tag instead of the digest. */
  tags: boolean;
}

const selector = { matchLabels: labels };

/** The server, and what belongs to it. */
export function serverManifests(options: ServerOptions): Manifest[] {
  const { missing, replicas } = options;
  const metadata = { name: serverName, namespace };
  return [
    { object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } } },
    { object: { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false } },
    {
      object: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { ...metadata, labels },
        spec: { selector: labels, ports: [{ name: 'https', port: 443, targetPort: 'https' }] },
      },
    },
    {
      comment: `The ${missing === 'enqueue' ? 'operator' : 'reader'}’s token: kubectl -n ${namespace} create secret generic drayage --from-literal=token=…`,
      object: deployment(options),
    },
    // With one of them, it would keep its node from being drained.
    ...(replicas > 1
      ? [
          {
            object: {
              apiVersion: 'policy/v1',
              kind: 'PodDisruptionBudget',
              metadata,
              spec: { minAvailable: 1, selector },
            },
          },
        ]
      : []),
  ];
}

function deployment({ image, replicas, ...options }: ServerOptions): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: serverName, namespace, labels },
    spec: {
      replicas,
      selector,
      template: {
        // The webhook that it serves must not decide whether it starts.
        metadata: { labels: { ...labels, [rewriteLabel]: 'disabled' } },
        spec: {
          serviceAccountName: serverName,
          automountServiceAccountToken: false,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65532,
            runAsGroup: 65532,
            fsGroup: 65532,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [container(image, options)],
          volumes: [
            { name: 'tls', secret: { secretName: tlsSecret } },
            { name: 'data', emptyDir: {} },
          ],
        },
      },
    },
  };
}

function container(
  image: string,
  { api, region, refresh, missing, tags }: Omit<ServerOptions, 'image' | 'replicas'>,
): object {
  const probe = (path: string) => ({ httpGet: { path, port: 'https', scheme: 'HTTPS' } });
  return {
    name: 'admission',
    image,
    imagePullPolicy: 'IfNotPresent',
    args: [
      'admission',
      '--listen=0.0.0.0:8443',
      '--tls-cert=/tls/tls.crt',
      '--tls-key=/tls/tls.key',
      `--api=${api}`,
      '--data=/data',
      `--refresh=${refresh}`,
      `--missing=${missing}`,
      ...(region === undefined ? [] : [`--region=${region}`]),
      ...(tags ? ['--tags'] : []),
    ],
    env: [{ name: 'DRAYAGE_TOKEN', valueFrom: { secretKeyRef: { name: 'drayage', key: 'token' } } }],
    ports: [{ name: 'https', containerPort: 8443 }],
    livenessProbe: probe('/healthz'),
    readinessProbe: probe('/readyz'),
    resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'tls', mountPath: '/tls', readOnly: true },
      { name: 'data', mountPath: '/data' },
    ],
  };
}
