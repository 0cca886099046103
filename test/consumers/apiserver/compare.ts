import type { Mapping } from '../../../core/mapping/record.ts';
import type { PodCase } from '../../support/pods/cases.ts';
import type { Pod } from '../../support/pods/pod.ts';
import { rewrittenText } from '../../support/pods/rewritten.ts';
import { type Cluster, mirrored, plain, podsPath, removePods } from './cluster.ts';

const originalPrefix = 'original-image.drayage.dev/';

/** How a table of pods came out. */
export interface Comparison {
  pods: number;
  /** Ephemeral containers' updates. */
  updates: number;
  /** References that were rewritten. */
  changed: number;
  /** What differs, for people; none if all is well. */
  differences: string[];
}

/**
 * Creates each pod twice: where nothing is rewritten, and where it is. The second, as it is stored,
 * has to be what `drayage rewrite` makes of the first, byte by byte, but for the annotations with
 * the originals and what is never the same in two objects.
 */
export async function comparePods(
  cluster: Cluster,
  cases: readonly PodCase[],
  mappings: readonly Mapping[],
): Promise<Comparison> {
  const result: Comparison = { pods: 0, updates: 0, changed: 0, differences: [] };
  for (const { name, pod, debugged } of cases) {
    const [left, right] = await createTwice(cluster, pod);
    result.pods += 1;
    check(`${name}`, left, right);
    for (const [container, image] of originals(right)) {
      const was = [...left.spec.containers, ...(left.spec.initContainers ?? [])].find(
        (each) => each.name === container,
      );
      if (was?.image !== image)
        result.differences.push(`${name}: the annotation of ${container} is ${image}`);
    }
    if (debugged === undefined) continue;
    const ephemeralContainers = debugged.pod.spec.ephemeralContainers ?? [];
    const update = (stored: Pod): Pod => ({ ...stored, spec: { ...stored.spec, ephemeralContainers } });
    const [wasLeft, wasRight] = await Promise.all(
      [plain, mirrored].map((namespace) =>
        cluster.get<Pod>('PUT', `${podsPath(namespace, name)}/ephemeralcontainers`, {
          ...update(namespace === plain ? left : right),
        }),
      ),
    );
    result.updates += 1;
    check(`${name}, ephemeral`, wasLeft as Pod, wasRight as Pod);
  }
  await Promise.all([plain, mirrored].map((namespace) => removePods(cluster, namespace)));
  return result;

  function check(what: string, left: Pod, right: Pod): void {
    const source = JSON.stringify(comparable(left));
    const expected = rewrittenText(source, mappings);
    const found = JSON.stringify(comparable(right));
    if (expected !== source) result.changed += (expected.match(/@sha256:/g) ?? []).length;
    if (expected !== found) result.differences.push(`${what}: ${firstDifference(expected, found)}`);
  }
}

async function createTwice(cluster: Cluster, pod: Pod): Promise<[Pod, Pod]> {
  const create = (namespace: string) => cluster.get<Pod>('POST', podsPath(namespace), pod);
  return await Promise.all([create(plain), create(mirrored)]);
}

function originals({ metadata }: Pod): [string, string][] {
  return Object.entries(metadata.annotations ?? {})
    .filter(([key]) => key.startsWith(originalPrefix))
    .map(([key, value]) => [key.slice(originalPrefix.length), value]);
}

/** A stored pod without what differs between two pods of the same manifest. */
function comparable(pod: Pod): object {
  const { metadata, ...rest } = pod;
  const { uid, resourceVersion, creationTimestamp, managedFields, namespace, annotations, ...kept } =
    metadata as Pod['metadata'] & Record<string, unknown>;
  const others = Object.entries(annotations ?? {}).filter(([key]) => !key.startsWith(originalPrefix));
  return {
    ...rest,
    metadata: { ...kept, ...(others.length > 0 && { annotations: Object.fromEntries(others) }) },
  };
}

function firstDifference(expected: string, found: string): string {
  let at = 0;
  while (at < expected.length && expected[at] === found[at]) at += 1;
  const part = (text: string) => text.slice(Math.max(0, at - 80), at + 100);
  return `expected …${part(expected)}…, found …${part(found)}…`;
}
