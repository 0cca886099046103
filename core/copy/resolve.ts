import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../oci/digest.ts';
import { isDigest } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import type { CallOptions, ImageDestination, ImageSource } from './ports.ts';

/** Connections that are opened to each registry while the first manifest is on its way; more open as more blobs want them. */
const warmConnections = 16;

export interface ResolveOptions extends CallOptions {
  /** Whether blobs will likely travel: connections for them are opened now, whose round trips are over when the blobs are known. */
  warm?: boolean;
}

/** What both ends say of an image. */
export interface Resolved {
  /** What the source's reference points to. */
  root: Manifest;
  /** What the destination's points to; undefined where there is no such tag. */
  current: Digest | undefined;
}

/**
 * Asks both ends at the same time what their references point to.
 *
 * @param target the destination's tag; a digest needs no question, since whoever holds it holds the same.
 */
export async function resolve(
  source: ImageSource,
  reference: string,
  destination: ImageDestination,
  target: string,
  options: ResolveOptions = {},
): Promise<Resolved> {
  const { signal } = options;
  const root = source.manifest(reference, { signal });
  const current = isDigest(target) ? undefined : destination.tagDigest(target, { signal });
  const begun = performance.now();
  const warmed = options.warm
    ? Promise.all([
        source.warm?.(warmConnections, { signal }),
        destination.warm?.(warmConnections, { signal }),
      ])
    : undefined;
  const both = await Promise.all([root, current]);
  // A request now would find the connections taken by pings that are about to end, and open one more: three round trips instead of
  // the rest of one. What has just come took about three.
  const roundTripMs = (performance.now() - begun) / 3;
  if (warmed) await Promise.race([warmed, sleep(roundTripMs, undefined, { ref: false })]);
  return { root: both[0], current: both[1] };
}
