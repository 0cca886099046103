import type { Uses } from './inventory.ts';

/**
 * `12 pods`, `3 places`, `12 pods and 3 places`: who uses any of these images. A pod that uses
 * several counts once.
 */
export function usesText(all: readonly Pick<Uses, 'pods' | 'places'>[]): string {
  const pods = podsOf(all).size;
  const places = all.reduce((sum, uses) => sum + uses.places, 0);
  const texts = [pods > 0 ? counted(pods, 'pod') : '', places > 0 ? counted(places, 'place') : ''];
  return texts.filter((text) => text !== '').join(' and ');
}

/** The pods that use any of these images. */
export function podsOf(all: readonly Pick<Uses, 'pods'>[]): Set<number> {
  const [only] = all;
  if (all.length === 1 && only) return only.pods;
  const pods = new Set<number>();
  for (const uses of all) for (const pod of uses.pods) pods.add(pod);
  return pods;
}

/** `1 pod`, `2 pods` */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
