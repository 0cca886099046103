import { commitChildren, commitRoot } from '../../core/copy/commit.ts';
import { type CopyEvent, copyBlobs } from '../../core/copy/copy.ts';
import { mountsFrom } from '../../core/copy/mount-sources.ts';
import { type CopyPlan, plan as planCopy } from '../../core/copy/plan.ts';
import { emptyTransfer, type Transfer } from '../../core/copy/ports.ts';
import { RegistryRepository } from '../../core/copy/registry-repository.ts';
import { resolve } from '../../core/copy/resolve.ts';
import type { Manifest } from '../../core/oci/manifest.ts';
import type { Platform } from '../../core/oci/platform.ts';
import { formatReference, type Reference } from '../../core/oci/reference.ts';
import { RegistryClient } from '../../core/registry/client.ts';
import type { Side } from '../../core/registry/errors.ts';
import { knownRegistry } from '../../core/registry/known-registries.ts';
import { formatBytes } from '../format.ts';
import { onInterrupt } from '../interruption.ts';
import { createProgressBar } from '../progress-bar.ts';
import { CopyDestination } from './copy-destination.ts';

/** The options of `drayage copy`. */
export interface CopyFlags {
  platform: Platform[];
  json: boolean;
  plainHttp: boolean;
}

/** What `drayage copy --json` prints. */
export interface CopyReport {
  source: string;
  destination: string;
  /** What the source's reference points to, and what the destination's does now: they differ only after a platform filter. */
  sourceDigest: string;
  digest: string;
  mediaType: string;
  sizeBytes: number;
  transfer: Transfer;
  durationMs: number;
}

/**
 * Copies one image and writes the report on standard output.
 *
 * @throws Error that says what was committed, where it is interrupted
 */
export async function runCopy(src: Reference, dst: Reference, flags: CopyFlags): Promise<void> {
  await using upstream = client(src, 'upstream', flags.plainHttp);
  await using mirror = client(dst, 'mirror', flags.plainHttp);
  const source = new RegistryRepository(upstream, src.registry, src.repository);
  const destination = new CopyDestination(mirror, dst.registry, dst.repository);
  const interrupt = new AbortController();
  const release = onInterrupt(() => interrupt.abort(new Error('interrupted')));
  try {
    report(await copyImage(src, dst, { source, destination, flags, signal: interrupt.signal }), flags.json);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    throw new Error(destination.interrupted(dst.tag ?? dst.digest ?? 'latest'), { cause: error });
  } finally {
    release();
  }
}

interface CopyContext {
  source: RegistryRepository;
  destination: CopyDestination;
  flags: CopyFlags;
  signal: AbortSignal;
}

async function copyImage(src: Reference, dst: Reference, context: CopyContext): Promise<CopyReport> {
  const { source, destination, flags, signal } = context;
  const started = Date.now();
  const wanted = dst.tag ?? dst.digest ?? 'latest';
  const reference = src.digest ?? src.tag ?? 'latest';
  const { root, current } = await resolve(source, reference, destination, wanted, { warm: true, signal });
  if (current === root.digest && flags.platform.length === 0) return unchanged(src, dst, root, started);
  const plan = await planCopy(source, destination, root, { platforms: flags.platform, signal });
  const target = destinationReference(dst, plan);
  const progress = showProgress(plan);
  const mountFrom =
    src.registry === dst.registry && src.repository !== dst.repository ? src.repository : undefined;
  const { transfer, arrived } = await copyBlobs(source, destination, plan, {
    signal,
    onEvent: progress.onEvent,
    mounts: mountFrom === undefined ? undefined : mountsFrom(mountFrom),
  }).finally(progress.stop);
  await commitChildren(destination, plan, arrived, { signal });
  await commitRoot(destination, plan, target, { signal, readBack: false });
  return {
    source: formatReference(src),
    destination: formatReference(dst),
    sourceDigest: plan.source.digest,
    digest: plan.root.digest,
    mediaType: plan.root.mediaType,
    sizeBytes: plan.sizeBytes,
    transfer,
    durationMs: Date.now() - started,
  };
}

/** The report of an image that the destination's tag names already: whoever holds a manifest holds what it names. */
function unchanged(src: Reference, dst: Reference, root: Manifest, started: number): CopyReport {
  const transfer = emptyTransfer();
  const blobs = root.kind === 'image' ? [root.config, ...root.layers] : [];
  const distinct = new Map(blobs.map(({ digest, size }) => [digest, size]));
  transfer.present = {
    blobs: distinct.size,
    bytes: [...distinct.values()].reduce((sum, size) => sum + size, 0),
  };
  return {
    source: formatReference(src),
    destination: formatReference(dst),
    sourceDigest: root.digest,
    digest: root.digest,
    mediaType: root.mediaType,
    sizeBytes: root.bytes.byteLength + transfer.present.bytes,
    transfer,
    durationMs: Date.now() - started,
  };
}

/** A digest at the destination must be the one that arrives there. */
function destinationReference(dst: Reference, plan: CopyPlan): string {
  if (dst.digest === undefined) return dst.tag ?? 'latest';
  if (dst.digest !== plan.root.digest) {
    throw new Error(
      `the destination asks for ${dst.digest}, and the image is ${plan.root.digest}: give a tag instead, or the same digest`,
    );
  }
  return dst.tag ?? dst.digest;
}

function client(ref: Reference, side: Side, plainHttp: boolean): RegistryClient {
  const { endpoint, authHosts } = plainHttp
    ? { endpoint: `http://${ref.registry}`, authHosts: [] }
    : knownRegistry(ref.registry);
  return new RegistryClient({ registry: ref.registry, endpoint, authHosts, side });
}

function showProgress(plan: CopyPlan): { onEvent(event: CopyEvent): void; stop(): void } {
  const total = plan.missing.reduce((sum, blob) => sum + blob.size, 0);
  const bar = createProgressBar(process.stderr, {
    label: `${plan.missing.length} of ${plan.blobs.length} blobs`,
    total,
  });
  let bytes = 0;
  return {
    onEvent(event) {
      if (event.type === 'bytes') bytes += event.bytes;
      else if (event.type === 'restart') bytes -= event.bytes;
      else if (event.type === 'end' && event.how === 'mounted') bytes += event.blob.size;
      bar.update(bytes);
    },
    stop: () => bar.stop(),
  };
}

function report(result: CopyReport, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const { copied, mounted, present } = result.transfer;
  const amount = (what: string, { blobs, bytes }: Transfer['copied']) =>
    `${what} ${blobs} (${formatBytes(bytes)})`;
  process.stdout.write(
    `${result.destination}@${result.digest}\n` +
      `blobs: ${amount('copied', copied)}, ${amount('mounted', mounted)}, ${amount('present', present)}` +
      ` in ${(result.durationMs / 1000).toFixed(1)} s\n`,
  );
}
