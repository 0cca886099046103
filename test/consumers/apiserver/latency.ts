import { readFileSync } from 'node:fs';
import { quantile } from '../../../bench/statistics.ts';
import { fillerMappings } from '../../support/pods/mappings.ts';
import { type Cluster, mirrored, podsPath, removePods } from './cluster.ts';

/** How long creating a pod takes, in milliseconds. */
export interface Latency {
  p50: number;
  p99: number;
  /** Of the API server for each pod: it depends less on what else the machine does. */
  cpu: number;
}

/** Pods of one measurement. */
export const latencyPods = 500;

/** Creates pods one after the other, each with four containers of which three are mapped. */
export async function measureLatency(cluster: Cluster): Promise<Latency> {
  const [first, second, third] = fillerMappings(61).filter((_, index) => index % 30 === 0);
  const images = [first, second, third].map((mapping) => mapping?.image ?? '');
  const times: number[] = [];
  let before = 0;
  for (let index = -50; index < latencyPods; index++) {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `latency-${index + 50}` },
      spec: {
        containers: [...images, 'busybox:1.37'].map((image, at) => ({ name: `c-${at}`, image })),
      },
    };
    if (index === 0) before = cpuOf(cluster.control.pid());
    const began = performance.now();
    await cluster.get('POST', podsPath(mirrored), pod);
    if (index >= 0) times.push(performance.now() - began);
  }
  const cpu = (cpuOf(cluster.control.pid()) - before) / latencyPods;
  await removePods(cluster, mirrored);
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), cpu };
}

/** The time that a process has used, in milliseconds: Linux counts it in hundredths of a second. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
