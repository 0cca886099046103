import { below, type Dice, dice, pick } from '../../unit/webhooks/mutate.ts';
import type { Pod, PodContainer } from './pod.ts';
import { mappedSpellings, otherSpellings } from './spellings.ts';

/** A pod, and the ephemeral containers that are added to it later. */
export interface GeneratedPod {
  pod: Pod;
  ephemeral: PodContainer[];
}

/**
 * Pods of a seed: every field that names an image, in changing numbers. Each spelling comes up in
 * turn, so a hundred pods have them all. A real apiserver accepts them.
 */
export function generatePods(seed: number, count: number): GeneratedPod[] {
  const roll = dice(seed);
  const spellings = spellingsInTurn(roll);
  return Array.from({ length: count }, (_, index) => generatePod(roll, `pod-${index}`, spellings));
}

function generatePod(roll: Dice, name: string, image: () => string): GeneratedPod {
  const some = (most: number, of: string): PodContainer[] =>
    Array.from({ length: below(roll, most + 1) }, (_, index) => container(roll, `${of}-${index}`, image()));
  const containers = [container(roll, 'app', image()), ...some(3, 'c')];
  const copied = containers[0]?.image ?? '';
  // The same text twice, also in another field.
  if (roll() < 0.3) containers.push(container(roll, 'same', copied));
  const inits = [
    ...some(2, 'init'),
    ...some(1, 'sidecar').map((each) => ({ ...each, restartPolicy: 'Always' })),
    ...(roll() < 0.1 ? [container(roll, 'init-same', copied)] : []),
  ];
  const volumes = Array.from({ length: below(roll, 3) }, (_, index) => volume(roll, `v-${index}`, image()));
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(roll() < 0.5 && { labels: { app: name, 'example.com/image': 'nginx-1.27' } }),
      ...(roll() < 0.3 && { annotations: { 'example.com/note': 'image: nginx:1.27\n', b: '2', a: '1' } }),
    },
    spec: {
      ...(roll() < 0.3 && { imagePullSecrets: [{ name: 'b' }, { name: 'a' }, { name: 'b-2' }] }),
      ...(volumes.length > 0 && { volumes }),
      ...(inits.length > 0 && { initContainers: inits }),
      containers,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: below(roll, 60),
    },
  };
  return {
    pod,
    ephemeral: roll() < 0.4 ? [container(roll, 'debug-0', image()), ...some(1, 'debug-more')] : [],
  };
}

function container(roll: Dice, name: string, image: string): PodContainer {
  const isEphemeral = name.startsWith('debug');
  return {
    name,
    image,
    ...(roll() < 0.3 && {
      // One name twice is allowed, and the order counts.
      env: [
        { name: 'IMAGE', value: 'nginx:1.27' },
        { name: 'B', value: `${below(roll, 100)}` },
        { name: 'IMAGE', value: 'Zürich "quoted" \\ line\nnext' },
      ],
    }),
    ...(roll() < 0.3 && { command: ['/bin/sh', '-c', 'exec nginx:1.27'], args: ['--image=nginx'] }),
    ...(!isEphemeral &&
      roll() < 0.3 && {
        ports: [
          { containerPort: 53, protocol: 'UDP', name: 'dns' },
          { containerPort: 53, protocol: 'TCP' },
        ],
      }),
    ...(roll() < 0.3 && { imagePullPolicy: pick(roll, ['Always', 'IfNotPresent', 'Never']) }),
    ...(!isEphemeral &&
      roll() < 0.2 && { resources: { limits: { memory: '64Mi' }, requests: { cpu: '10m' } } }),
  };
}

function volume(roll: Dice, name: string, reference: string): { name: string } & Record<string, unknown> {
  if (roll() < 0.3) return { name, emptyDir: {} };
  return { name, image: { reference, ...(roll() < 0.5 && { pullPolicy: 'Always' }) } };
}

/** Mostly mapped ones: all of each list, in shuffled order, again and again. */
function spellingsInTurn(roll: Dice): () => string {
  const [mapped, other] = [inTurn(roll, mappedSpellings), inTurn(roll, otherSpellings)];
  return () => (roll() < 0.7 ? mapped() : other());
}

function inTurn(roll: Dice, items: readonly string[]): () => string {
  let left: string[] = [];
  return () => {
    if (left.length === 0) left = [...items];
    const [item = ''] = left.splice(below(roll, left.length), 1);
    return item;
  };
}
