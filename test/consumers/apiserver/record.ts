import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PodCase } from '../../support/pods/cases.ts';
import type { Pod } from '../../support/pods/pod.ts';
import { type Cluster, mirrored, podsPath, removePods } from './cluster.ts';
import { type Review, startWebhook } from './reviews.ts';

const folder = join(import.meta.dirname, '../../support/pods/recorded');

/**
 * Records the AdmissionReviews that this API server sends: a pod is created, as a dry run and in
 * earnest, and gets an ephemeral container. `npm run format` gives the files their final form.
 */
export async function recordReviews(cluster: Cluster, cases: readonly PodCase[]): Promise<string[]> {
  const reviews: Review[] = [];
  await using _ = await startWebhook(cluster, 'recorder', (review) => {
    reviews.push(review);
    return [];
  });
  const wanted = cases.find(({ pod, debugged }) => debugged && pod.spec.volumes && pod.spec.initContainers);
  if (wanted?.debugged === undefined) throw new Error('no pod of the table has everything');
  const { pod, debugged, name } = wanted;
  // The API server learns of a webhook a moment after it was registered.
  while (reviews.length === 0) await cluster.get('POST', `${podsPath(mirrored)}?dryRun=All`, pod);
  reviews.length = 0;
  await cluster.get('POST', `${podsPath(mirrored)}?dryRun=All`, pod);
  const stored = await cluster.get<Pod>('POST', podsPath(mirrored), pod);
  const { ephemeralContainers } = debugged.pod.spec;
  await cluster.get('PUT', `${podsPath(mirrored, name)}/ephemeralcontainers`, {
    ...stored,
    spec: { ...stored.spec, ephemeralContainers },
  });
  await removePods(cluster, mirrored);
  mkdirSync(folder, { recursive: true });
  const names = ['create-dry-run', 'create', 'ephemeral-containers'];
  if (reviews.length !== names.length)
    throw new Error(`${reviews.length} reviews instead of ${names.length}`);
  return names.map((each, index) => {
    const file = `${each}-${cluster.version}.json`;
    writeFileSync(join(folder, file), `${JSON.stringify(reviews[index], null, 2)}\n`);
    return file;
  });
}
