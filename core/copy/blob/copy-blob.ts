import pLimit from 'p-limit';
import { orAborted } from '../../async/or-aborted.ts';
import { wait } from '../../async/wait.ts';
import { DrayageError, type Retry } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { RegistryError } from '../../registry/errors.ts';
import type { CallOptions, ImageDestination, ImageSource } from '../ports.ts';
import { pauseBefore } from './attempts.ts';
import { BodyRefusedError } from './chunked-upload.ts';
import { Download } from './download.ts';
import type { MountSources } from './mount-sources.ts';
import { fallsBehind, isTooSlow, judgeAfterMs, type TimeLimit } from './time-limit.ts';

/** What happens to a blob, told while it happens. */
export type CopyEvent =
  | { type: 'start'; blob: Descriptor }
  | { type: 'bytes'; blob: Descriptor; bytes: number }
  /** The blob is begun anew after a temporary failure: the bytes told so far do not count. */
  | { type: 'restart'; blob: Descriptor; bytes: number; error: unknown }
  | { type: 'end'; blob: Descriptor; how: BlobOutcome };

/** How a blob came to be in the destination. `present`: it was there, as the destination told when the upload was to begin. */
export type BlobOutcome = 'copied' | 'mounted' | 'present';

export interface BlobOptions extends CallOptions {
  /** How often the upload is begun before its failure is the blob's. A read that breaks is continued besides. */
  attempts?: number | undefined;
  /** Where the blob may be mounted from. */
  mounts?: MountSources | undefined;
  /** When the attempt must end: a blob that can't make it goes in parts, where the destination takes them. */
  timeLimit?: TimeLimit | undefined;
  /** Takes the blob's chunks, too. */
  keep?: Uint8Array[] | undefined;
  onEvent?: ((event: CopyEvent) => void) | undefined;
  /** How to wait between two attempts, milliseconds; rejects when the signal ends. */
  pause?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
  /** An upload that fails after the source has sent nothing for this long, milliseconds, fails for lack of bytes; default 10 s. */
  silenceMs?: number | undefined;
}

const defaultAttempts = 3;
const defaultSilenceMs = 10_000;
/**
 * Uploads in parts at once in this process: each has two parts in memory and, while one is sent, its encoded forms, some 45 MB together. One is
 * a serial chain of requests; several large layers travel as jobs of their own.
 */
const partUploads = pLimit(2);
/** With less time than this left, changing to parts would end before the first one, milliseconds. */
const leastTimeMs = 30_000;
/** A smaller blob is not looked up among those that are uploaded in parts, bytes. */
const leastPartedBytes = 64 * 1024 * 1024;

/**
 * Sees that the destination has one blob: finds it there, mounts it, or carries it. An upload that breaks is begun anew, a read that
 * breaks goes on where it was.
 *
 * @throws RegistryError, CopyError, or the signal's reason.
 */
export async function copyBlob(
  source: ImageSource,
  destination: ImageDestination,
  blob: Descriptor,
  options: BlobOptions = {},
): Promise<BlobOutcome> {
  const { signal, attempts = defaultAttempts, onEvent = () => {}, pause = wait } = options;
  signal?.throwIfAborted();
  onEvent({ type: 'start', blob });
  let inParts = await shallGoInParts(destination, blob, options);
  for (let attempt = 1; ; attempt++) {
    let told = 0;
    const tell = (bytes: number) => {
      told += bytes;
      onEvent({ type: 'bytes', blob, bytes });
    };
    if (options.keep) options.keep.length = 0;
    try {
      const how = inParts
        ? await carryInParts(source, destination, blob, tell, options)
        : await carryWhole(source, destination, blob, tell, options);
      onEvent({ type: 'end', blob, how });
      return how;
    } catch (error) {
      signal?.throwIfAborted();
      const failure = error instanceof ReadFailure ? error.cause : error;
      const behind = error instanceof BehindError;
      // Each of these makes the bodies smaller, so there are few; the blob itself did not fail.
      const refused = error instanceof BodyRefusedError;
      if (refused) attempt -= 1;
      const ms = behind || refused ? 0 : pauseBefore(attempt + 1, attempts, error);
      if (ms === undefined) throw failure;
      inParts ||= behind;
      onEvent({ type: 'restart', blob, bytes: told, error: failure });
      await pause(ms, signal);
    }
  }
}

/**
 * The read was given up, after attempts of its own. Another upload would not help, unless it was the continuation of the read that
 * failed: then blob and upload begin again.
 */
class ReadFailure extends DrayageError {
  override readonly name = 'ReadFailure';
  readonly code = 'READ_FAILED';
  readonly side = 'upstream';
  readonly remedy = 'see its cause';
  readonly retry: Retry;
  constructor(body: Download) {
    super('the blob could not be read', { cause: body.errored });
    this.retry = { kind: body.spoiltByContinuing ? 'backoff' : 'never' };
  }
}

/** A stream can't end in time: the blob goes on in parts. */
class BehindError extends Error {
  override readonly name = 'BehindError';
}

async function shallGoInParts(
  destination: ImageDestination,
  blob: Descriptor,
  { timeLimit, signal }: BlobOptions,
): Promise<boolean> {
  if (!destination.uploadInParts || !timeLimit || blob.size < leastPartedBytes) return false;
  // What was begun in parts by another process goes on from there.
  return isTooSlow(blob, timeLimit) || ((await destination.isInParts?.(blob, { signal })) ?? false);
}

async function carryInParts(
  source: ImageSource,
  destination: ImageDestination,
  blob: Descriptor,
  tell: (bytes: number) => void,
  { signal }: BlobOptions,
): Promise<BlobOutcome> {
  const read = (offset: number) => source.blob(blob, { signal, offset });
  await partUploads(async () => {
    signal?.throwIfAborted();
    await destination.uploadInParts?.(blob, read, { signal, onBytes: tell });
  });
  return 'copied';
}

async function carryWhole(
  source: ImageSource,
  destination: ImageDestination,
  blob: Descriptor,
  tell: (bytes: number) => void,
  options: BlobOptions,
): Promise<BlobOutcome> {
  const { mounts, keep, pause, attempts, silenceMs = defaultSilenceMs } = options;
  const attempt = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, attempt.signal]) : attempt.signal;
  const mountFrom = await mounts?.sourceOf(blob, { signal });
  let sent = 0;
  const onBytes = (bytes: number) => {
    sent += bytes;
    tell(bytes);
  };
  const open = (offset: number) => source.blob(blob, { signal, offset });
  const read = () => new Download(open, blob, { from: source.name, signal, onBytes, keep, attempts, pause });
  // Where nothing can make the read needless any more, both ends are asked at the same time.
  const early = mountFrom === undefined && !destination.tellsPresence ? read() : undefined;
  try {
    const opened = await destination.openUpload(blob, { signal, mountFrom });
    if (opened.kind !== 'session') {
      attempt.abort(); // a read that was opened all the same
      return opened.kind;
    }
    if (mountFrom !== undefined) mounts?.refused(blob, mountFrom);
    const body = early ?? read();
    let watch: NodeJS.Timeout | undefined;
    try {
      // The destination, or a proxy in front of it, closes a connection that waits for a slow source.
      await orAborted(body.begin(), signal);
      if (body.errored) throw body.errored;
      // Only now: a source that is late is not slow.
      const begun = performance.now();
      watch = watchSpeed(destination, blob, options, () => sent, attempt);
      await opened.upload.write(body, { signal });
      options.timeLimit?.speed.measured(blob.size, performance.now() - begun);
      return 'copied';
    } catch (error) {
      const { silentMs } = body;
      await opened.upload.cancel();
      if (attempt.signal.aborted) throw attempt.signal.reason;
      if (error === body.errored) throw new ReadFailure(body);
      throw silentMs > silenceMs ? silenceError(source, destination, blob, silentMs, error) : error;
    } finally {
      clearInterval(watch);
    }
  } catch (error) {
    attempt.abort(error); // ends a read that nobody will consume
    early?.destroy();
    throw error;
  }
}

/** The side that failed first is the one to name. */
function silenceError(
  source: ImageSource,
  destination: ImageDestination,
  blob: Descriptor,
  silentMs: number,
  cause: unknown,
): RegistryError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new RegistryError(
    { side: 'upstream', registry: source.name, operation: `get blob ${blob.digest}` },
    {
      code: 'TIMEOUT',
      reason: `no byte arrived for ${Math.round(silentMs / 1000)} s, and the upload to ${destination.name} ended in the meantime${why}`,
      temporary: true,
      cause,
    },
  );
}

/** Ends the attempt when its stream turns out too slow for the time that is left, and parts would make it. */
function watchSpeed(
  destination: ImageDestination,
  blob: Descriptor,
  { timeLimit }: BlobOptions,
  sent: () => number,
  attempt: AbortController,
): NodeJS.Timeout | undefined {
  if (!timeLimit || !destination.uploadInParts || blob.size < leastPartedBytes) return undefined;
  const begun = performance.now();
  return setInterval(() => {
    const stream = { size: blob.size, sent: sent(), elapsedMs: performance.now() - begun };
    if (!fallsBehind(stream, timeLimit) || timeLimit.endsAt - Date.now() < leastTimeMs) return;
    timeLimit.speed.measured(stream.sent, stream.elapsedMs);
    attempt.abort(new BehindError(`${blob.digest} can't be carried in time: it goes on in parts`));
  }, judgeAfterMs);
}
