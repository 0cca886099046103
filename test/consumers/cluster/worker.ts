import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tar from 'tar';
import { freePort } from '../../support/docker-registry.ts';
import { writeLayout } from '../../support/oci-layout.ts';
import { programImage } from '../../support/program-image.ts';
import { unmountBelow } from '../../support/remove-mounts.ts';
import { type Program, startProgram } from './program.ts';

/** A node of a cluster: containerd and the kubelet. */
export interface Worker {
  /** Runs `ctr` in the namespace of Kubernetes. */
  ctr(...args: string[]): string;
  log(): string;
  stop(): Promise<void>;
}

/** What a {@link Worker} needs. */
export interface WorkerOptions {
  /** The programs that build-programs.sh made. */
  bin: string;
  /** Its data and logs. */
  folder: string;
  name: string;
  kubeconfig: string;
}

/** The image of each pod's sandbox. */
const pause = 'docker.io/local/pause';

/** Starts containerd and, when it answers, the kubelet, which registers the node. */
export async function startWorker({ bin, folder, name, kubeconfig }: WorkerOptions): Promise<Worker> {
  const place = (path: string) => {
    mkdirSync(join(folder, path), { recursive: true });
    return join(folder, path);
  };
  const socket = join(folder, 'containerd.sock');
  // The shim is found on containerd's PATH, and runc as well.
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  const config = join(folder, 'containerd.toml');
  writeFileSync(config, containerdConfig(place('root'), place('state'), socket));
  const containerd = startProgram(join(bin, 'containerd'), ['-c', config], {
    log: join(folder, 'containerd.log'),
    env,
  });
  const ctr = (...args: string[]) =>
    execFileSync(join(bin, 'ctr'), ['-a', socket, '-n', 'k8s.io', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  await answers(() => ctr('version'));
  const sleeping = await programImage({
    programs: { '/bin/busybox': '/usr/bin/busybox' },
    entrypoint: ['/bin/busybox', 'sleep', '86400'],
  });
  const layout = place('pause');
  await writeLayout(layout, sleeping);
  await tar.create({ cwd: layout, file: `${layout}.tar` }, ['.']);
  ctr('images', 'import', '--base-name', pause, `${layout}.tar`);
  const kubelet = await startKubelet({ bin, folder, name, kubeconfig }, socket, place);
  return {
    ctr,
    log: () => `${containerd.log()}\n${kubelet.log()}`,
    async stop() {
      await kubelet.stop();
      for (const task of ctr('tasks', 'list', '-q').split('\n').filter(Boolean))
        ctr('tasks', 'delete', '--force', task);
      await containerd.stop();
      unmountBelow(folder);
    },
  };
}

async function answers(ask: () => unknown): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      ask();
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** https://github.com/containerd/containerd/blob/main/docs/cri/config.md */
function containerdConfig(root: string, state: string, socket: string): string {
  return `version = 3
root = '${root}'
state = '${state}'

[grpc]
  address = '${socket}'

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '${pause}:v1'

[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
`;
}

/** https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/ */
async function startKubelet(
  { bin, folder, name, kubeconfig }: WorkerOptions,
  socket: string,
  place: (path: string) => string,
): Promise<Program> {
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    address: '127.0.0.1',
    port: await freePort(),
    healthzPort: await freePort(),
    containerRuntimeEndpoint: `unix://${socket}`,
    cgroupDriver: 'cgroupfs',
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    localStorageCapacityIsolation: false,
    podLogsDir: place('pod-logs'),
    evictionHard: { 'nodefs.available': '1%', 'imagefs.available': '1%' },
  };
  const file = join(folder, 'kubelet.yaml');
  writeFileSync(file, JSON.stringify(config));
  const args = ['--config', file, '--kubeconfig', kubeconfig, '--root-dir', place('kubelet')];
  return startProgram(join(bin, 'kubelet'), [...args, '--hostname-override', name], {
    log: join(folder, 'kubelet.log'),
  });
}
