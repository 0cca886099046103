import type { DockerRegistry } from '../test/support/docker-registry.ts';
import { pushImage } from '../test/support/seeded-image.ts';
import type { Peer } from './peers.ts';
import { startBenchRegistry } from './registry.ts';
import { type Timing, timed } from './timed.ts';
import { secondsOver, type WireCounts } from './wire/counts.ts';
import type { Wire } from './wire/wire.ts';
import type { WiredCase } from './wired-cases.ts';

/** A pair of wires, and the registry behind the upstream one. */
export interface WiredPair {
  upstream: DockerRegistry;
  upstreamWire: Wire;
  mirrorWire: Wire;
}

/** One copy over both wires. */
export interface WiredRun extends Timing {
  /** From the first request on either wire to the end of the last answer. */
  seconds: number;
  upstream: WireCounts;
  mirror: WireCounts;
}

const repository = 'bench/image';

/** Pushes the images of the cases to the upstream, bypassing the wire. */
export async function fillUpstream(upstream: DockerRegistry, cases: WiredCase[]): Promise<void> {
  for (const { name, image } of cases) await pushImage(upstream.endpoint, repository, name, image);
}

/**
 * Makes a peer copy a case's image into a new registry: in a reused one, blobs could be mounted.
 * @throws if it fails, or the mirror has something else afterwards
 */
export async function runWired(
  pair: WiredPair,
  peer: Peer,
  wiredCase: WiredCase,
  environment: Record<string, string>,
): Promise<WiredRun> {
  await using mirror = await startBenchRegistry();
  const { name, image, before } = wiredCase;
  if (before)
    await pushImage(
      mirror.endpoint,
      repository,
      before.manifest.digest === image.manifest.digest ? name : 'before',
      before,
    );
  await pair.upstreamWire.reset(pair.upstream.host);
  await pair.mirrorWire.reset(mirror.host);
  const [from, to] = [pair.upstreamWire, pair.mirrorWire].map((wire) => `${wire.host}/${repository}:${name}`);
  const timing = await timed(peer.command(from ?? '', to ?? ''), environment);
  const [upstream, mirrored] = await Promise.all([pair.upstreamWire.read(), pair.mirrorWire.read()]);
  await checkMirror(mirror, wiredCase);
  return { ...timing, seconds: secondsOver([upstream, mirrored]), upstream, mirror: mirrored };
}

async function checkMirror(mirror: DockerRegistry, { name, image }: WiredCase): Promise<void> {
  const answer = await fetch(`${mirror.endpoint}/v2/${repository}/manifests/${name}`, {
    method: 'HEAD',
    headers: { accept: image.manifest.mediaType },
  });
  const found = answer.headers.get('docker-content-digest');
  if (found !== image.manifest.digest) {
    throw new Error(`the mirror has ${found ?? answer.status} and not ${image.manifest.digest}`);
  }
}
