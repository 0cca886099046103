import type { ImageDestination, ImageSource } from '../../core/copy/ports.ts';
import { DrayageError, type Retry } from '../../core/errors.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { MemoryStore } from './memory-store.ts';

/** Counts how many calls are under way, and the most that there ever were. */
export class Gauge {
  now = 0;
  most = 0;

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.now += 1;
    this.most = Math.max(this.most, this.now);
    try {
      return await work();
    } finally {
      this.now -= 1;
    }
  }
}

/** A source like `source` that does some things differently. */
export function sourceLike(source: ImageSource, changes: Partial<ImageSource>): ImageSource {
  return {
    name: source.name,
    manifest: (reference, options) => source.manifest(reference, options),
    blob: (blob, options) => source.blob(blob, options),
    ...changes,
  };
}

/** A destination like `destination` that does some things differently. */
export function destinationLike(
  destination: ImageDestination,
  changes: Partial<ImageDestination>,
): ImageDestination {
  return {
    name: destination.name,
    presentBlobs: (blobs, options) => destination.presentBlobs(blobs, options),
    openUpload: (blob, options) => destination.openUpload(blob, options),
    putManifest: (manifest, reference, options) => destination.putManifest(manifest, reference, options),
    tagDigest: (tag, options) => destination.tagDigest(tag, options),
    readBlob: (blob, options) => destination.readBlob(blob, options),
    ...changes,
  };
}

/** A temporary failure, marked as the registry client marks its own. */
export function temporaryFailure(
  message: string,
  { retryAfterMs: afterMs }: { retryAfterMs?: number } = {},
): DrayageError {
  return new TemporaryFailure(message, { kind: 'backoff', afterMs });
}

class TemporaryFailure extends DrayageError {
  readonly code = 'UNAVAILABLE';
  readonly side = 'upstream';
  readonly remedy = 'wait';
  readonly retry: Retry;

  constructor(message: string, retry: Retry) {
    super(message);
    this.retry = retry;
  }
}

/** A mirror that keeps track of its sessions: what got through, and how each ended. */
export function countingMirror(mirror = new MemoryStore('mirror')) {
  const sessions: { blob: Descriptor; received: number; ended?: 'written' | 'cancelled' }[] = [];
  const destination: ImageDestination = destinationLike(mirror, {
    openUpload: async (blob, options) => {
      const opened = await mirror.openUpload(blob, options);
      if (opened.kind !== 'session') return opened;
      const session: (typeof sessions)[number] = { blob, received: 0 };
      sessions.push(session);
      return {
        kind: 'session',
        upload: {
          async write(body, call) {
            const counted = (async function* () {
              for await (const chunk of body) {
                session.received += chunk.byteLength;
                yield chunk;
              }
            })();
            await opened.upload.write(counted, call);
            session.ended = 'written';
          },
          async cancel() {
            session.ended = 'cancelled';
          },
        },
      };
    },
  });
  return { mirror, destination, sessions };
}
