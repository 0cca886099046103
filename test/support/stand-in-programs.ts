import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A `kubectl` without a cluster: it prints two pods and a node, and keeps what is applied. */
export interface StandInKubectl {
  /** A line of shell that puts it on the PATH. */
  path: string;
  /** What was applied so far, in this order. */
  applied(): string[];
  /** The other calls, each as its arguments. */
  calls(): string[];
}

const pod = (name: string, ...images: string[]) => ({
  kind: 'Pod',
  metadata: { name, namespace: 'shop' },
  spec: { containers: images.map((image, index) => ({ name: `c${index}`, image })) },
});
const node = {
  kind: 'Node',
  metadata: { labels: { 'topology.kubernetes.io/region': 'eu-west-1' } },
  status: { nodeInfo: { operatingSystem: 'linux', architecture: 'arm64' } },
};

/** Writes the program into a folder. */
export function standInKubectl(folder: string): StandInKubectl {
  const kept = join(folder, 'kept');
  mkdirSync(kept, { recursive: true });
  const items = [pod('a', 'ghcr.io/acme/shop:1.0', 'nginx:1.27'), pod('b', 'ghcr.io/acme/shop:1.0')];
  writeFileSync(join(folder, 'pods.json'), JSON.stringify({ kind: 'List', items }));
  writeFileSync(join(folder, 'all.json'), JSON.stringify({ kind: 'List', items: [...items, node] }));
  const program = `#!/bin/bash
set -eu
case "$*" in
  "get pods -A -o json") cat '${folder}/pods.json' ;;
  "get pods,nodes -A -o json") cat '${folder}/all.json' ;;
  "kustomize "*) exec env PATH="\${PATH#*:}" kubectl "$@" ;;
  "apply "*"-f -") cat > '${kept}/'"$(ls '${kept}' | wc -l | xargs printf %03d)" ;;
  "apply "*"-f "*) cp "\${@: -1}" '${kept}/'"$(ls '${kept}' | wc -l | xargs printf %03d)" ;;
  *) echo "$*" >> '${folder}/calls' ;;
esac
`;
  writeFileSync(join(folder, 'kubectl'), program);
  chmodSync(join(folder, 'kubectl'), 0o755);
  writeFileSync(join(folder, 'calls'), '');
  return {
    path: `export PATH='${folder}':"$PATH"`,
    applied: () =>
      readdirSync(kept)
        .sort()
        .map((name) => readFileSync(join(kept, name), 'utf8')),
    calls: () =>
      readFileSync(join(folder, 'calls'), 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
  };
}
