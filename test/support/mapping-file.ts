import { writeFileSync } from 'node:fs';
import type { Pipeline } from './pipeline.ts';
import type { SeededImage } from './seeded-image.ts';

/** What is mirrored: `ghcr.io/acme/shop:1.0` and `docker.io/library/nginx:1.27`. */
export interface MappedImages {
  shop: SeededImage;
  nginx: SeededImage;
}

/** Mirrors two images, by a webhook and on demand, and writes their mappings to a file. */
export async function writeMappingFile(
  pipeline: Pipeline,
  { shop, nginx }: MappedImages,
  file: string,
): Promise<void> {
  await pipeline.mirror('acme/shop', '1.0', shop);
  await pipeline.push('library/nginx', '1.27', nginx);
  const queued = await pipeline.post('/v1/mirrors', { images: ['nginx:1.27'] });
  const { jobs } = (await queued.json()) as { jobs: { id: string }[] };
  await pipeline.jobIn(jobs[0]?.id ?? '', 'committed');
  const list = (await (await pipeline.get('/v1/mappings')).json()) as { mappings: unknown[] };
  writeFileSync(file, JSON.stringify({ version: 1, ...list }));
}
