import type { Mapping } from '../../../core/mapping/record.ts';
import { generatePods } from './generate.ts';
import { podMappings } from './mappings.ts';
import type { Pod } from './pod.ts';
import { rewritten } from './rewritten.ts';

/** A pod and what every way of rewriting has to make of it. */
export interface PodCase {
  name: string;
  /** As it is created. */
  pod: Pod;
  /** What `drayage rewrite` makes of it. */
  expected: Pod;
  /** The created pod with ephemeral containers, as an update of the subresource sends it. */
  debugged?: { pod: Pod; expected: Pod };
}

/** How many pods the table has. */
export const podCount = 200;

/**
 * The table of cases for the admission policy, the admission webhook and `drayage rewrite`: pods of
 * a fixed seed, with their images in all spellings.
 */
export function podCases(mappings: readonly Mapping[] = podMappings()): PodCase[] {
  return generatePods(20261130, podCount).map(({ pod, ephemeral }): PodCase => {
    const expected = rewritten(pod, mappings);
    const name = pod.metadata.name;
    if (ephemeral.length === 0) return { name, pod, expected };
    // The pod is rewritten already when a container is added to it.
    const debugged = withEphemeral(expected, ephemeral);
    return { name, pod, expected, debugged: { pod: debugged, expected: rewritten(debugged, mappings) } };
  });
}

function withEphemeral(pod: Pod, ephemeralContainers: NonNullable<Pod['spec']['ephemeralContainers']>): Pod {
  return { ...pod, spec: { ...pod.spec, ephemeralContainers } };
}
