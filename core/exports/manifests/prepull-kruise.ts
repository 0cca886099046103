import { createHash } from 'node:crypto';
import { commentOf, yamlText } from '../quote.ts';
import { nameOf, nodeSelectorOf, type PrepullGroup, type PrepullOptions } from './prepull.ts';

const head = (namespace: string) =>
  commentOf(`
Makes every node pull what was mirrored recently, so that Pods start without waiting for it, with OpenKruise.
Made by: drayage export prepull --kruise

How to use it: install OpenKruise with featureGates=ImagePullJobGate=true; kubectl create namespace ${namespace};
kubectl apply -f FILE. Apply a new export to pull what is new. https://openkruise.io/docs/user-manuals/imagepulljob

What it does: one ImagePullJob for each image and platform of nodes, by digest. Ten nodes pull at a time; an image that can't be
pulled holds up no other. A job is removed a day after it has ended.

What it can't do:
- Nodes that join after a job has ended don't pull its image.
- The kubelet removes images that no container uses when the disk fills up: keep --limit small.

Logins: Kruise's own daemon pulls, not the kubelet. Give it Amazon ECR's login with its image credential provider (daemon.credentialProvider
in its Helm chart), or name a Secret in each job: pullSecrets.`);

/** The ImagePullJobs that pull images. */
export function prepullJobs(groups: readonly PrepullGroup[], options: PrepullOptions): string {
  const jobs = groups.flatMap((group) => group.images.map((image) => jobOf(group, image, options)));
  return head(options.namespace) + jobs.join('');
}

function jobOf(
  group: PrepullGroup,
  { image, pinned }: PrepullGroup['images'][number],
  { namespace, nodeSelector }: PrepullOptions,
): string {
  // The same image gets the same name, so that a job that ended is not begun again.
  const hash = createHash('sha256').update(pinned).digest('hex').slice(0, 12);
  return `---
apiVersion: apps.kruise.io/v1alpha1
kind: ImagePullJob
metadata:
  name: ${nameOf(group)}-${hash}
  namespace: ${yamlText(namespace)}
spec:
  image: ${yamlText(pinned)} # ${image}
  parallelism: 10
  selector:
    matchLabels:
${nodeSelectorOf(group, nodeSelector, 6)}
  pullPolicy: {backoffLimit: 3, timeoutSeconds: 1200}
  completionPolicy: {type: Always, activeDeadlineSeconds: 7200, ttlSecondsAfterFinished: 86400}
`;
}
