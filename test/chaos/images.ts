import type { EmbeddedRegistry } from '../../local/ecr/server.ts';
import {
  pushImage,
  type SeededImage,
  type SeededIndex,
  type SeededManifest,
  seededImage,
  seededIndex,
} from '../support/seeded-image.ts';
import type { PlannedImage } from './plan.ts';

/** Makes a planned image and pushes it. @returns its manifest */
export async function pushPlanned(
  { endpoint }: EmbeddedRegistry,
  { repository, tag, image }: { repository: string; tag: string; image: PlannedImage },
): Promise<SeededManifest> {
  const pushed = made(image);
  await pushImage(endpoint, repository, tag, pushed);
  return pushed.manifest;
}

function made({ seed, layers, platforms }: PlannedImage): SeededImage | SeededIndex {
  return platforms === 2 ? seededIndex({ seed, layers }) : seededImage({ seed, layers });
}
