import type { Cluster } from './cluster.ts';
import { untilRewritten } from './ways.ts';

/** For how long after each restart of the API server pods keep their images, in seconds. */
export async function measureRestarts(cluster: Cluster, count: number): Promise<number[]> {
  const seconds: number[] = [];
  for (let restart = 0; restart < count; restart++) {
    await cluster.control.restart();
    seconds.push((await untilRewritten(cluster)) / 1_000);
  }
  return seconds;
}
