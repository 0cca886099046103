import type { Manifest } from '../print-manifests.ts';
import { rewriteLabel } from './policy.ts';
import { shardNames, syncScript } from './sync-script.ts';

/** How a cluster gets the mapping. */
export interface SyncOptions {
  /** The address of Drayage's API, without a slash at its end. */
  api: string;
  /** Which region's mirror the cluster uses; by default, all that is mapped. */
  region?: string | undefined;
  /** When, as in a CronJob. */
  schedule: string;
  /** An image with sh, curl and busybox's programs. */
  image: string;
}

const namespace = 'drayage';
const name = 'drayage-sync';
const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'drayage' };

/** The CronJob that keeps the objects up to date, and what it may do: nothing else. */
export function syncManifests(options: SyncOptions): Manifest[] {
  return [
    { object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } } },
    { object: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } } },
    {
      object: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name },
        rules: [
          rule([...shardNames], ['patch', 'create']),
          // The first object is never removed.
          rule(shardNames.slice(1), ['delete']),
        ],
      },
    },
    {
      object: {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
        subjects: [{ kind: 'ServiceAccount', name, namespace }],
      },
    },
    {
      comment: `The token: kubectl -n ${namespace} create secret generic drayage --from-literal=token=…
The first time, do not wait: kubectl -n ${namespace} create job first-sync --from=cronjob/${name}`,
      object: cronJob(options),
    },
  ];
}

function rule(resourceNames: string[], verbs: string[]): object {
  return { apiGroups: ['drayage.dev'], resources: ['imagemirrors'], resourceNames, verbs };
}

function cronJob({ api, region, schedule, image }: SyncOptions): object {
  const query = region === undefined ? '' : `?region=${encodeURIComponent(region)}`;
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name, namespace, labels },
    spec: {
      schedule,
      concurrencyPolicy: 'Forbid',
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 1,
      jobTemplate: {
        spec: {
          activeDeadlineSeconds: 120,
          backoffLimit: 1,
          template: {
            // The policy that it serves must not decide whether it starts.
            metadata: { labels: { ...labels, [rewriteLabel]: 'disabled' } },
            spec: {
              serviceAccountName: name,
              restartPolicy: 'Never',
              securityContext: {
                runAsNonRoot: true,
                runAsUser: 65532,
                seccompProfile: { type: 'RuntimeDefault' },
              },
              containers: [
                {
                  name: 'sync',
                  image,
                  securityContext: {
                    allowPrivilegeEscalation: false,
                    readOnlyRootFilesystem: true,
                    capabilities: { drop: ['ALL'] },
                  },
                  env: [
                    { name: 'DRAYAGE_EXPORT', value: `${api}/v1/exports/imagemirror${query}` },
                    {
                      name: 'DRAYAGE_TOKEN',
                      valueFrom: { secretKeyRef: { name: 'drayage', key: 'token' } },
                    },
                    { name: 'KUBE', value: 'https://kubernetes.default.svc' },
                    { name: 'SA', value: '/var/run/secrets/kubernetes.io/serviceaccount' },
                    { name: 'WORK', value: '/tmp' },
                  ],
                  command: ['sh', '-euc'],
                  args: [syncScript],
                  volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
                },
              ],
              volumes: [{ name: 'tmp', emptyDir: {} }],
            },
          },
        },
      },
    },
  };
}
