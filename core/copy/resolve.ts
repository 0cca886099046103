import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../oci/digest.ts';
import { isDigest } from '../oci/digest.ts';
import type { Manifest } from '../oci/manifest.ts';
import type { CallOptions, ImageDestination, ImageSource } from './ports.ts';

/**
 * Connections that are opened to each registry while the first manifest is being read; more are
 * opened as blobs need them.
 */
const warmConnections = 16;

export interface ResolveOptions extends CallOptions {
  /**
   * Whether blobs will probably be copied. Connections for them are opened now, so that their round
   * trips are over once the blobs are known.
   */
  warm?: boolean;
}

/** An image at both ends. */
export interface EndsToResolve {
  source: ImageSource;
  /** The source's tag or digest. */
  reference: string;
  /** It may still be opening (a login), which does not delay the source. */
  destination: ImageDestination | Promise<ImageDestination>;
  /**
   * The destination's tag. A digest needs no request, since it always names the same content.
   * Undefined if it is not worth a request.
   */
  target: string | undefined;
}

/** What both ends say about an image. */
export interface Resolved {
  /** What the source's reference points to. */
  root: Manifest;
  /** What the destination's reference points to; undefined if there is no such tag. */
  current: Digest | undefined;
}

/**
 * Asks both ends, in parallel, what their references point to.
 */
export async function resolve(
  { source, reference, destination, target }: EndsToResolve,
  options: ResolveOptions = {},
): Promise<Resolved> {
  const { signal } = options;
  const begun = performance.now();
  const root = source.manifest(reference, { signal });
  const asked = askDestination(destination, target, options);
  const warmedSource = options.warm ? warm(source, signal) : undefined;
  const [manifest, { current, warmed: warmedDestination }] = await Promise.all([root, asked]);
  // A request now would find the connections busy with pings that are about to end, and would open
  // one more: three round trips instead of the rest of one. The answer that just arrived took about
  // three.
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

/** After the requests themselves have been sent, which are more urgent. */
async function warm(end: ImageSource | ImageDestination, signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  await end.warm?.(warmConnections, { signal });
}
