import { Command, InvalidArgumentError } from 'commander';
import { commitChildren, commitRoot } from '../core/copy/commit.ts';
import { type CopyEvent, copyBlobs } from '../core/copy/copy.ts';
import { type CopyPlan, plan as planCopy } from '../core/copy/plan.ts';
import type { Transfer } from '../core/copy/ports.ts';
import { RegistryRepository } from '../core/copy/registry-repository.ts';
import { InvalidPlatformError, type Platform, parsePlatform } from '../core/oci/platform.ts';
import {
  formatReference,
  InvalidReferenceError,
  parseReference,
  type Reference,
} from '../core/oci/reference.ts';
import { RegistryClient } from '../core/registry/client.ts';
import type { Side } from '../core/registry/errors.ts';
import { knownRegistry } from '../core/registry/known-registries.ts';
import { formatBytes } from './format.ts';
import { createProgressBar } from './progress-bar.ts';

interface CopyFlags {
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

/** `drayage copy SRC DST`: one image from registry to registry. */
export function copyCommand(): Command {
  return new Command('copy')
    .description('Copy one image from registry to registry: only the blobs that the destination lacks.')
    .argument('<src>', 'image reference to read', parseImage)
    .argument('<dst>', 'image reference to write', parseImage)
    .option(
      '--platform <os/arch>',
      'keep only this platform of an index; may be given several times',
      addPlatform,
      [],
    )
    .option('--json', 'print the result as JSON', false)
    .option('--plain-http', 'speak HTTP instead of HTTPS with both registries', false)
    .addHelpText(
      'after',
      `
Example:
  $ drayage copy docker.io/library/alpine:3.22 localhost:5000/alpine:3.22 --plain-http --platform linux/amd64

The digest is preserved unless --platform leaves something out: then a smaller index with a digest of its own is made.`,
    )
    .action(runCopy);
}

async function runCopy(src: Reference, dst: Reference, flags: CopyFlags): Promise<void> {
  const started = Date.now();
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort(new Error('interrupted; nothing was committed')));
  await using upstream = client(src, 'upstream', flags.plainHttp);
  await using mirror = client(dst, 'mirror', flags.plainHttp);
  const source = new RegistryRepository(upstream, src.registry, src.repository);
  const destination = new RegistryRepository(mirror, dst.registry, dst.repository);
  const { signal } = interrupt;

  const plan = await planCopy(source, destination, src.digest ?? src.tag ?? 'latest', {
    platforms: flags.platform,
    signal,
  });
  const target = destinationReference(dst, plan);
  const progress = showProgress(plan);
  const mountFrom =
    src.registry === dst.registry && src.repository !== dst.repository ? src.repository : undefined;
  const { transfer } = await copyBlobs(source, destination, plan, {
    signal,
    onEvent: progress.onEvent,
    mountFrom: () => mountFrom,
  }).finally(progress.stop);
  await commitChildren(destination, plan, { signal });
  await commitRoot(destination, plan, target, { signal });
  report(
    {
      source: formatReference(src),
      destination: formatReference(dst),
      sourceDigest: plan.source.digest,
      digest: plan.root.digest,
      mediaType: plan.root.mediaType,
      sizeBytes: plan.sizeBytes,
      transfer,
      durationMs: Date.now() - started,
    },
    flags.json,
  );
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

function parseImage(text: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof InvalidReferenceError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

function addPlatform(text: string, before: Platform[]): Platform[] {
  try {
    return [...before, parsePlatform(text)];
  } catch (error) {
    if (error instanceof InvalidPlatformError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
