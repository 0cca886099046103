import { startRegistry } from '../../../local/ecr/server.ts';
import { pushImage, seededImage } from '../../support/seeded-image.ts';
import type { Scene } from './scene.ts';

/**
 * A registry with `app:1`, which anybody may read. Its port is shown as `SRC`.
 *
 * @returns its host
 */
export async function sourceWithImage(scene: Scene, layerSize = 3_000): Promise<string> {
  const started = scene.use(await startRegistry({ flavour: 'distribution' }));
  scene.name(started.host, '127.0.0.1:SRC');
  const image = seededImage({ seed: 'failures', layers: [{ size: layerSize }] });
  await pushImage(started.endpoint, 'app', '1', image);
  return started.host;
}
