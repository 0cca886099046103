import { amountOf } from '../../core/copy/amount.ts';
import type { CopyEvent } from '../../core/copy/copy.ts';
import type { CopyPlan } from '../../core/copy/plan.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import { Rate } from '../shared/rate.ts';

/** A blob that is being copied. */
export interface BlobUnderWay {
  blob: Descriptor;
  bytes: number;
  rate: Rate;
  /** How often it was begun. */
  attempts: number;
}

/** How far the blobs of an image, or of several, are, out of the events of the copy. */
export class BlobProgress {
  /** Of what may have to travel. */
  totalBytes = 0;
  totalBlobs = 0;
  readonly rate: Rate;
  /** In the order in which they were begun. */
  readonly underWay = new Map<string, BlobUnderWay>();
  bytes = 0;
  blobs = 0;

  constructor(plan: Pick<CopyPlan, 'missing'>, now: number) {
    this.rate = new Rate(now);
    this.add(plan);
  }

  /** Counts the blobs of one more image. */
  add({ missing }: Pick<CopyPlan, 'missing'>): void {
    const { bytes, blobs } = amountOf(missing);
    this.totalBytes += bytes;
    this.totalBlobs += blobs;
  }

  take(event: CopyEvent, now: number): void {
    const { digest, size } = event.blob;
    const blob = this.underWay.get(digest);
    switch (event.type) {
      case 'start':
        this.underWay.set(digest, { blob: event.blob, bytes: 0, rate: new Rate(now), attempts: 1 });
        break;
      case 'bytes':
        this.bytes += event.bytes;
        this.rate.add(event.bytes, now);
        if (blob) {
          blob.bytes += event.bytes;
          blob.rate.add(event.bytes, now);
        }
        break;
      case 'restart':
        this.bytes -= event.bytes;
        if (blob) {
          blob.bytes = 0;
          blob.rate = new Rate(now);
          blob.attempts += 1;
        }
        break;
      case 'end':
        this.blobs += 1;
        // Nobody counted the bytes of one that did not travel.
        this.bytes += size - (blob?.bytes ?? size);
        this.underWay.delete(digest);
        break;
    }
  }
}
