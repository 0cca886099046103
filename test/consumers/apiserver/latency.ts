import { quantile } from '../../../bench/statistics.ts';
import { fillerMappings } from '../../support/pods/mappings.ts';
import { type Cluster, mirrored, podsPath, removePods } from './cluster.ts';

/** How long creating a pod takes, in milliseconds. */
export interface Latency {
  p50: number;
  p99: number;
}

/** Pods of one measurement. */
export const latencyPods = 500;

/** Creates pods one after the other, each with four containers of which three are mapped. */
export async function measureLatency(cluster: Cluster): Promise<Latency> {
  const [first, second, third] = fillerMappings(61).filter((_, index) => index % 30 === 0);
  const images = [first, second, third].map((mapping) => mapping?.image ?? '');
  const times: number[] = [];
  for (let index = -50; index < latencyPods; index++) {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `latency-${index + 50}` },
      spec: {
        containers: [...images, 'busybox:1.37'].map((image, at) => ({ name: `c-${at}`, image })),
      },
    };
    const began = performance.now();
    await cluster.get('POST', podsPath(mirrored), pod);
    if (index >= 0) times.push(performance.now() - began);
  }
  await removePods(cluster, mirrored);
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}
