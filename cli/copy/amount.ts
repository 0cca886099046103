import { type Amount, emptyTransfer, type Transfer } from '../../core/copy/ports.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';

/** How many blobs, and their bytes. */
export function amountOf(blobs: readonly Pick<Descriptor, 'size'>[]): Amount {
  return { blobs: blobs.length, bytes: blobs.reduce((sum, { size }) => sum + size, 0) };
}

/** What several copies did, together. */
export function sumOf(transfers: readonly Transfer[]): Transfer {
  const sum = emptyTransfer();
  for (const transfer of transfers) {
    for (const how of ['copied', 'mounted', 'present'] as const) {
      sum[how].blobs += transfer[how].blobs;
      sum[how].bytes += transfer[how].bytes;
    }
  }
  return sum;
}
