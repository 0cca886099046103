import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../../../bench/statistics.ts';
import type { Mapping } from '../../../core/mapping/record.ts';
import { digestOf, fillerMappings, podMappings, podMirrorPrefix } from '../../support/pods/mappings.ts';
import { exportText } from '../../support/sync/fake-export.ts';
import type { Cluster } from './cluster.ts';
import { probe, syncOnce, syncText } from './ways.ts';

/** What pods got while the mapping changed. */
export interface Changes {
  syncs: number;
  pods: number;
  /** From the end of a sync to the first pod with the new digest, in milliseconds. */
  effectP50: number;
  effectMax: number;
  syncP50: number;
  /** Pods that got neither the digest before nor the one after. */
  wrong: string[];
}

const rounds = 20;

/** Moves `nginx:1.27` again and again, with the CronJob’s script, while pods are created. */
export async function changeMappings(cluster: Cluster, fillers: number): Promise<Changes> {
  const others = fillerMappings(fillers);
  const all = podMappings();
  let [before, after] = [podMirrorPrefix, podMirrorPrefix];
  let isOver = false;
  let pods = 0;
  const wrong: string[] = [];
  const creating = (async () => {
    while (!isOver) {
      const allowed = new Set([before, after]);
      const image = await probe(cluster);
      pods += 1;
      const isRight = [...allowed, before, after].some((each) => image.startsWith(each));
      if (!isRight) wrong.push(image);
    }
  })();
  const [effects, syncs]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const digest = digestOf(`round ${round}`);
    after = `${podMirrorPrefix}/docker.io/library/nginx@${digest}`;
    const moved = all.map(
      (mapping): Mapping =>
        mapping.image === 'docker.io/library/nginx:1.27'
          ? { ...mapping, digest, pinned: after, mirroredAt: new Date().toISOString() }
          : mapping,
    );
    const began = performance.now();
    const { code, output } = await syncOnce(cluster, [...moved, ...others]);
    if (code !== 0) throw new Error(output);
    const synced = performance.now();
    syncs.push(synced - began);
    while (!(await probe(cluster)).startsWith(after)) await sleep(2);
    effects.push(performance.now() - synced);
    before = after;
  }
  isOver = true;
  await creating;
  return {
    syncs: rounds,
    pods,
    effectP50: quantile(effects, 0.5),
    effectMax: Math.max(...effects),
    syncP50: quantile(syncs, 0.5),
    wrong,
  };
}

/** What must leave the objects as they are. @returns what did not, for people */
export async function failToSync(cluster: Cluster): Promise<string[]> {
  const version = async () => {
    const { items } = await cluster.get<{ items: { metadata: { name: string; resourceVersion: string } }[] }>(
      'GET',
      '/apis/drayage.dev/v1/imagemirrors',
    );
    return JSON.stringify(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
  };
  const mappings = [...podMappings(), ...fillerMappings(4_000)];
  const text = await exportText(mappings);
  const problems: string[] = [];
  if ((await syncText(cluster, text)).code !== 0) problems.push('the first sync failed');
  const before = await version();
  const same = await syncText(cluster, text);
  if (same.code !== 0 || (await version()) !== before) problems.push(`the same content: ${same.output}`);
  const cases: [string, string][] = [
    ['cut', text.slice(0, 100_000)],
    ['cut, with an end', `${text.slice(0, 100_000)}\n# complete: 1\n`],
    ['no mappings', await exportText([])],
    ['a wrong digest', text.replace(/=sha256:[0-9a-f]{64}/, '=sha256:0')],
    ['empty', ''],
    ['an object without a name that is allowed', text.replace('"name":"main"', '"name":"main-17"')],
    ['HTML', '<html>'],
  ];
  for (const [what, content] of cases) {
    const { code, output } = await syncText(cluster, content);
    if (code === 0 || (await version()) !== before) problems.push(`${what}: exit ${code}, ${output}`);
  }
  // It grows to several objects, and shrinks again.
  for (const [count, names] of [
    [40_000, 4],
    [4_000, 1],
  ] as const) {
    const { code, output } = await syncOnce(cluster, [...podMappings(), ...fillerMappings(count)]);
    const { items } = await cluster.get<{ items: unknown[] }>('GET', '/apis/drayage.dev/v1/imagemirrors');
    if (code !== 0 || items.length !== names)
      problems.push(`${count} mappings: ${items.length} objects, ${output}`);
  }
  return problems;
}
