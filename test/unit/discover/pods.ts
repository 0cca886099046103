import { Inventory } from '../../../core/discover/inventory.ts';
import { readPod } from '../../../core/discover/pod.ts';

/** A pod with containers of these images, as kubectl prints it. */
export function podOf(images: unknown[], more: Record<string, unknown> = {}, metadata = {}): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', ...metadata },
    spec: { containers: images.map((image, index) => ({ name: `c${index}`, image })), ...more },
  };
}

/** What these pods run. */
export function inventoryOf(...pods: unknown[]): Inventory {
  const inventory = new Inventory({ prefix: 'mirror' });
  for (const pod of pods) inventory.addPod(readPod(pod));
  return inventory;
}
