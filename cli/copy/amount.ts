import { emptyTransfer, type Transfer } from '../../core/copy/ports.ts';

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
