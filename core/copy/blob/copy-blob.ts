import pLimit from 'p-limit';
import { orAborted } from '../../async/or-aborted.ts';
import { wait } from '../../async/wait.ts';
import { DrayageError, type Retry } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { RegistryError } from '../../registry/errors.ts';
import type { BlobUpload, CallOptions, ImageDestination, ImageSource } from '../ports.ts';
import { pauseBefore } from './attempts.ts';
import { BodyRefusedError } from './chunked-upload.ts';
import { Download } from './download.ts';
import type { MountSources } from './mount-sources.ts';
import { fallsBehind, isTooSlow, judgeAfterMs, type TimeLimit } from './time-limit.ts';

/** What happens to a blob, reported while it happens. */
export type CopyEvent =
  | { type: 'start'; blob: Descriptor }
  | { type: 'bytes'; blob: Descriptor; bytes: number }
  /** The blob starts again after a temporary failure: the bytes reported so far do not count. */
  | { type: 'restart'; blob: Descriptor; bytes: number; error: unknown }
  | { type: 'end'; blob: Descriptor; how: BlobOutcome };

/**
 * How a blob came to be in the destination. `present`: it was already there, as the destination
 * answered when the upload was about to begin.
 */
export type BlobOutcome = 'copied' | 'mounted' | 'present';

export interface BlobOptions extends CallOptions {
  /**
   * How often the upload is attempted before the blob fails. Independently of that, a read that
   * breaks is continued.
   */
  attempts?: number | undefined;
  /** Where the blob may be mounted from. */
  mounts?: MountSources | undefined;
  /** When the attempt must end: a blob that can't make it is sent in parts, if possible. */
  timeLimit?: TimeLimit | undefined;
  /** Also receives the blob's chunks. */
  keep?: Uint8Array[] | undefined;
  onEvent?: ((event: CopyEvent) => void) | undefined;
  /** How to wait between two attempts, milliseconds; rejects when the signal ends. */
  pause?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
  /**
   * If an upload fails after the source has sent nothing for this long, the source is to blame.
   * Milliseconds; default 10 s.
   */
  silenceMs?: number | undefined;
}

const defaultAttempts = 3;
const defaultSilenceMs = 10_000;
/**
 * Uploads in parts at once in this process. Each has two parts in memory and, while one is sent,
 * its encoded forms, about 45 MB in total. An upload is a serial chain of requests; several large
 * layers are carried as jobs of their own.
 */
const partUploads = pLimit(2);
/**
 * With less time left than this, in milliseconds, a switch to parts would run out of time before
 * the first one.
 */
const leastTimeMs = 30_000;
/** A smaller blob is not looked up among those that are uploaded in parts, in bytes. */
const leastPartedBytes = 64 * 1024 * 1024;

/**
 * Ensures that the destination has one blob: finds it there, mounts it, or carries it. An upload
 * that breaks starts again; a read that breaks continues where it was.
 *
 * @throws RegistryError, CopyError, or the signal's reason.
 */
export async function copyBlob(
  source: ImageSource,
  destination: ImageDestination,
  blob: Descriptor,
  options: BlobOptions = {},
): Promise<BlobOutcome> {
  return await new BlobCopy({ source, destination, blob, options }).run();
}

/** What a copy of a blob needs. */
interface BlobCopyContext {
  source: ImageSource;
  destination: ImageDestination;
  blob: Descriptor;
  options: BlobOptions;
}

/** One attempt to carry the blob. */
class Attempt {
  /** How many bytes it has reported. */
  bytes = 0;
  /** Gives up only this attempt. */
  readonly controller = new AbortController();
  /** Ends with the attempt, or with the copy. */
  readonly signal: AbortSignal;

  constructor(copy: AbortSignal | undefined) {
    const own = this.controller.signal;
    this.signal = copy ? AbortSignal.any([copy, own]) : own;
  }
}

/** One blob on its way to a destination: the attempts, and the two ways to carry it. */
class BlobCopy {
  readonly #source: ImageSource;
  readonly #destination: ImageDestination;
  readonly #blob: Descriptor;
  readonly #options: BlobOptions;

  constructor({ source, destination, blob, options }: BlobCopyContext) {
    this.#source = source;
    this.#destination = destination;
    this.#blob = blob;
    this.#options = options;
  }

  async run(): Promise<BlobOutcome> {
    const blob = this.#blob;
    const { signal, attempts = defaultAttempts, keep, pause = wait } = this.#options;
    signal?.throwIfAborted();
    this.#emit({ type: 'start', blob });
    let inParts = await this.#belongsInParts();
    for (let number = 1; ; number++) {
      const attempt = new Attempt(signal);
      if (keep) keep.length = 0;
      try {
        const how = inParts ? await this.#carryInParts(attempt) : await this.#carryWhole(attempt);
        this.#emit({ type: 'end', blob, how });
        return how;
      } catch (error) {
        signal?.throwIfAborted();
        const failure = error instanceof ReadFailure ? error.cause : error;
        const behind = error instanceof BehindError;
        // Each of these makes the bodies smaller, so there are few. The blob itself did not fail.
        const refused = error instanceof BodyRefusedError;
        if (refused) number -= 1;
        const ms = behind || refused ? 0 : pauseBefore(number + 1, attempts, error);
        if (ms === undefined) throw failure;
        inParts ||= behind;
        this.#emit({ type: 'restart', blob, bytes: attempt.bytes, error: failure });
        await pause(ms, signal);
      }
    }
  }

  async #belongsInParts(): Promise<boolean> {
    const { timeLimit, signal } = this.#options;
    if (!timeLimit || !this.#mayGoInParts) return false;
    // An upload in parts that another process began continues from there.
    return (
      isTooSlow(this.#blob, timeLimit) ||
      ((await this.#destination.isInParts?.(this.#blob, { signal })) ?? false)
    );
  }

  get #mayGoInParts(): boolean {
    return this.#destination.uploadInParts !== undefined && this.#blob.size >= leastPartedBytes;
  }

  async #carryInParts(attempt: Attempt): Promise<BlobOutcome> {
    const { signal } = this.#options;
    const read = (offset: number) => this.#source.blob(this.#blob, { signal, offset });
    const onBytes = this.#counter(attempt);
    await partUploads(async () => {
      signal?.throwIfAborted();
      await this.#destination.uploadInParts?.(this.#blob, read, { signal, onBytes });
    });
    return 'copied';
  }

  async #carryWhole(attempt: Attempt): Promise<BlobOutcome> {
    const { mounts } = this.#options;
    const { signal, controller } = attempt;
    const mountFrom = await mounts?.sourceOf(this.#blob, { signal });
    // If nothing can make the read unnecessary, both ends are asked at the same time.
    const early =
      mountFrom === undefined && !this.#destination.tellsPresence ? this.#download(attempt) : undefined;
    try {
      const opened = await this.#destination.openUpload(this.#blob, { signal, mountFrom });
      if (opened.kind !== 'session') {
        controller.abort(); // a read that was opened anyway
        return opened.kind;
      }
      if (mountFrom !== undefined) mounts?.refused(this.#blob, mountFrom);
      await this.#stream(early ?? this.#download(attempt), opened.upload, attempt);
      return 'copied';
    } catch (error) {
      controller.abort(error); // ends a read that has no consumer
      early?.destroy();
      throw error;
    }
  }

  #download(attempt: Attempt): Download {
    const { keep, attempts, pause } = this.#options;
    const { signal } = attempt;
    return new Download((offset) => this.#source.blob(this.#blob, { signal, offset }), this.#blob, {
      from: this.#source.name,
      signal,
      onBytes: this.#counter(attempt),
      keep,
      attempts,
      pause,
    });
  }

  async #stream(body: Download, upload: BlobUpload, attempt: Attempt): Promise<void> {
    const { timeLimit, silenceMs = defaultSilenceMs } = this.#options;
    const { signal, controller } = attempt;
    let watch: NodeJS.Timeout | undefined;
    try {
      // The destination, or a proxy before it, closes a connection that waits for a slow source.
      await orAborted(body.begin(), signal);
      if (body.errored) throw body.errored;
      // Only now: a source that starts late is not slow.
      const begun = performance.now();
      watch = this.#watchSpeed(attempt);
      await upload.write(body, { signal });
      timeLimit?.speed.measured(this.#blob.size, performance.now() - begun);
    } catch (error) {
      const { silentMs } = body;
      await upload.cancel();
      if (controller.signal.aborted) throw controller.signal.reason;
      if (error === body.errored) throw new ReadFailure(body);
      throw silentMs > silenceMs ? this.#silenceError(silentMs, error) : error;
    } finally {
      clearInterval(watch);
    }
  }

  /**
   * Ends the attempt if its stream is too slow for the time that is left and parts are possible.
   */
  #watchSpeed(attempt: Attempt): NodeJS.Timeout | undefined {
    const { timeLimit } = this.#options;
    if (!timeLimit || !this.#mayGoInParts) return undefined;
    const { size, digest } = this.#blob;
    const begun = performance.now();
    return setInterval(() => {
      const stream = { size, sent: attempt.bytes, elapsedMs: performance.now() - begun };
      if (!fallsBehind(stream, timeLimit) || timeLimit.endsAt - Date.now() < leastTimeMs) return;
      timeLimit.speed.measured(stream.sent, stream.elapsedMs);
      attempt.controller.abort(new BehindError(`${digest} can't be carried in time: it continues in parts`));
    }, judgeAfterMs);
  }

  #counter(attempt: Attempt): (bytes: number) => void {
    return (bytes) => {
      attempt.bytes += bytes;
      this.#emit({ type: 'bytes', blob: this.#blob, bytes });
    };
  }

  #emit(event: CopyEvent): void {
    this.#options.onEvent?.(event);
  }

  /** The side that failed first is the one to name. */
  #silenceError(silentMs: number, cause: unknown): RegistryError {
    const { name } = this.#source;
    const why = cause instanceof Error ? `: ${cause.message}` : '';
    return new RegistryError(
      { side: 'upstream', registry: name, operation: `get blob ${this.#blob.digest}` },
      {
        code: 'TIMEOUT',
        reason: `no byte arrived for ${Math.round(silentMs / 1000)} s, and the upload to ${this.#destination.name} ended in the meantime${why}`,
        temporary: true,
        cause,
      },
    );
  }
}

/**
 * The read was given up, after attempts of its own. Another upload would not help, unless a
 * continuation of the read failed: then the blob and its upload start again.
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

/** A stream can't end in time: the blob continues in parts. */
class BehindError extends Error {
  override readonly name = 'BehindError';
}
