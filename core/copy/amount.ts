import type { Descriptor } from '../oci/descriptor.ts';
import { blobsOf, type Manifest } from '../oci/manifest.ts';
import { type Amount, emptyTransfer, type Transfer } from './ports.ts';

/** How many blobs, and their bytes. */
export function amountOf(blobs: readonly Pick<Descriptor, 'size'>[]): Amount {
  return { blobs: blobs.length, bytes: blobs.reduce((sum, { size }) => sum + size, 0) };
}

/**
 * The result of a copy whose image was already equal: its blobs are present, as far as its root
 * manifest names them.
 */
export function presentOnly(root: Manifest): Transfer {
  const distinct = new Map(blobsOf(root).map((blob) => [blob.digest, blob]));
  return { ...emptyTransfer(), present: amountOf([...distinct.values()]) };
}
