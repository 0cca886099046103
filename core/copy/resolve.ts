import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../oci/digest.ts';
import { isDigest } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import type { CallOptions, ImageDestination, ImageSource } from './ports.ts';

/**
 * Connections that are opened to each registry while the first manifest is on its way; more open as
 * more blobs want them.
 */
const warmConnections = 16;

export interface ResolveOptions extends CallOptions {
  /**
   * Whether blobs will likely travel: connections for them are opened now, whose round trips are
   * over when the blobs are known.
   */
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
 * @param destination may still be opening (a login), which does not hold up the source.
 * @param target the destination's tag; a digest needs no question, since whoever holds it holds the
 *   same. Undefined where it is not worth one.
 */
export async function resolve(
  source: ImageSource,
  reference: string,
  destination: ImageDestination | Promise<ImageDestination>,
  target: string | undefined,
  options: ResolveOptions = {},
): Promise<Resolved> {
  const { signal } = options;
  const begun = performance.now();
  const root = source.manifest(reference, { signal });
  const asked = askDestination(destination, target, options);
  const warmedSource = options.warm ? warm(source, signal) : undefined;
  const [manifest, { current, warmed: warmedDestination }] = await Promise.all([root, asked]);
  // A request now would find the connections taken by pings that are about to end, and open one
  // more: three round trips instead of the rest of one. What has just come took about three.
  const roundTripMs = (performance.now() - begun) / 3;
  const warmed = Promise.all([warmedSource, warmedDestination]);
  if (options.warm) await Promise.race([warmed, sleep(roundTripMs, undefined, { ref: false })]);
  return { root: manifest, current };
}

async function askDestination(
  opening: ImageDestination | Promise<ImageDestination>,
  target: string | undefined,
  options: ResolveOptions,
): Promise<{ current: Digest | undefined; warmed: Promise<void> | undefined }> {
  const { signal } = options;
  const destination = await opening;
  const asking =
    target === undefined || isDigest(target) ? undefined : destination.tagDigest(target, { signal });
  const warmed = options.warm ? warm(destination, signal) : undefined;
  return { current: await asking, warmed };
}

/** After the questions themselves have gone out, which are in more of a hurry. */
async function warm(end: ImageSource | ImageDestination, signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  await end.warm?.(warmConnections, { signal });
}
