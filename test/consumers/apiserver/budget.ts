import type { Mapping } from '../../../core/mapping/record.ts';
import { digestOf, podMappings, podMirrorPrefix } from '../../support/pods/mappings.ts';
import { type Cluster, mirrored, podsPath } from './cluster.ts';

/** Mappings of one repository with so many tags, the first the newest. */
export function largeRepository(tags: number): Mapping[] {
  const repository = 'ghcr.io/acme/large';
  const [template] = podMappings() as [Mapping];
  return Array.from({ length: tags }, (_, index): Mapping => {
    const digest = digestOf(`large ${index}`);
    return {
      ...template,
      image: `${repository}:${index}`,
      digest,
      pinned: `${podMirrorPrefix}/${repository}@${digest}`,
      mirroredAt: new Date(Date.UTC(2026, 0, 1) - index * 60_000).toISOString(),
    };
  });
}

/** A pod with more images is not tried. */
export const mostImages = 200;

/**
 * How many different images of that repository one pod may have, the oldest ones, before the API
 * server ends the evaluation.
 */
export async function imagesThatFit(cluster: Cluster, tags: number): Promise<number> {
  const fits = async (count: number) => {
    const containers = Array.from({ length: count }, (_, index) => ({
      name: `c-${index}`,
      image: `ghcr.io/acme/large:${tags - 1 - index}`,
    }));
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'large' }, spec: { containers } };
    const { status, text } = await cluster.ask('POST', `${podsPath(mirrored)}?dryRun=All`, pod);
    if (status < 300) return true;
    if (text.includes('budget') || text.includes('cost')) return false;
    throw new Error(text);
  };
  let [low, high] = [0, Math.min(tags, mostImages)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (await fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
