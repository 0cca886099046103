import { loginByName } from '../logins.ts';
import { commentOf, yamlText } from '../quote.ts';
import type { PrepulledImage } from './prepulled-images.ts';

/** Settings of both forms of `drayage export prepull`. */
export interface PrepullOptions {
  namespace: string;
  /** Labels of the nodes, besides their platform. */
  nodeSelector: Readonly<Record<string, string>>;
}

/** The images for one kind of node. */
export interface PrepullGroup {
  /** `linux` */
  os: string;
  /** `amd64` */
  architecture: string;
  /** The newest first. */
  images: readonly PrepulledImage[];
}

/** Where the helper's program is in every container. Images have no such folder. */
const folder = '/.drayage-prepull';

const head = (namespace: string) =>
  commentOf(`
Makes every node pull what was mirrored recently, so that Pods start without waiting for it. Made by: drayage export prepull

How to use it: kubectl create namespace ${namespace}; kubectl apply -f FILE. Apply a new export, on a schedule or after deployments,
to pull what is new: one tenth of the nodes at a time. Nodes that join pull it, too.

What it does: one DaemonSet for each platform of nodes. Its init containers are the images, by digest, the newest first. They
don't run what is in the images: the command is a program of the helper's image, which a volume brings, so images without
a shell work as well. Then a container sleeps; it needs hardly any memory.

What it can't do:
- An image that can't be pulled holds up those after it (kubectl describe tells which): export again.
- The kubelet removes images that no container uses when the disk fills up: keep --limit small.
- A node pulls again what it removed only when the DaemonSet changes.
- Namespaces that force security contexts or image policies on Pods can refuse it; it fits the standard "restricted".

${loginByName}`);

/** The DaemonSets that pull images. */
export function prepullDaemonSets(
  groups: readonly PrepullGroup[],
  { helperImage, ...options }: PrepullOptions & { helperImage: string },
): string {
  return head(options.namespace) + groups.map((group) => daemonSetOf(group, options, helperImage)).join('');
}

function daemonSetOf(
  group: PrepullGroup,
  { namespace, nodeSelector }: PrepullOptions,
  helper: string,
): string {
  const labels = `{app.kubernetes.io/name: drayage-prepull, kubernetes.io/arch: ${yamlText(group.architecture)}}`;
  return `---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: ${nameOf(group)}
  namespace: ${yamlText(namespace)}
  labels: ${labels}
spec:
  selector:
    matchLabels: ${labels}
  updateStrategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: 10%}
  template:
    metadata:
      labels: ${labels}
    spec:
      nodeSelector:
${nodeSelectorOf(group, nodeSelector, 8)}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 1
      securityContext: {runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, seccompProfile: {type: RuntimeDefault}}
      volumes:
      - {name: helper, emptyDir: {sizeLimit: 8Mi}}
      initContainers:
${containerOf('helper', helper, ['/bin/busybox', 'cp', '/bin/busybox', `${folder}/busybox`], { isWriter: true })}
${group.images
  .map(({ image, pinned }, index) =>
    containerOf(`image-${index + 1}`, pinned, [`${folder}/busybox`, 'true'], { comment: image }),
  )
  .join('\n')}
      containers:
${containerOf('sleep', helper, ['/bin/busybox', 'sleep', '2147483647'])}
`;
}

function containerOf(
  name: string,
  image: string,
  command: readonly string[],
  { comment = '', isWriter = false } = {},
): string {
  return `      - name: ${name}${comment === '' ? '' : ` # ${comment}`}
        image: ${yamlText(image)}
        imagePullPolicy: IfNotPresent
        command: [${command.map(yamlText).join(', ')}]
        workingDir: ${folder}
        resources: {requests: {cpu: 1m, memory: 8Mi}, limits: {memory: 32Mi}}
        securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
        volumeMounts:
        - {name: helper, mountPath: ${folder}${isWriter ? '' : ', readOnly: true'}}`;
}

/** The name of what pulls the images of a platform. */
export function nameOf({ os, architecture }: PrepullGroup): string {
  return `drayage-prepull-${os === 'linux' ? '' : `${os}-`}${architecture}`;
}

/** The labels of a platform's nodes, as lines. */
export function nodeSelectorOf(
  { os, architecture }: PrepullGroup,
  more: Readonly<Record<string, string>>,
  indent: number,
): string {
  // https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-arch
  const labels = { 'kubernetes.io/os': os, 'kubernetes.io/arch': architecture, ...more };
  return Object.entries(labels)
    .map(([key, value]) => `${' '.repeat(indent)}${yamlText(key)}: ${yamlText(value)}`)
    .join('\n');
}
