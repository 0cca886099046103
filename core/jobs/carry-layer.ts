import { type CopyEvent, copyBlobs } from '../copy/copy.ts';
import type { CopyPlan } from '../copy/plan.ts';
import type { ImageDestination, ImageSource } from '../copy/ports.ts';
import type { LayerBlob } from './ports.ts';

/** Carries one blob with the copy engine, and tells how the mirror got it. */
export async function carryLayer(
  source: ImageSource,
  destination: ImageDestination,
  blob: LayerBlob,
  options: { signal: AbortSignal; onEvent: (event: CopyEvent) => void },
): Promise<'present' | 'copied' | 'mounted'> {
  const { transfer } = await copyBlobs(source, destination, planOf(blob), options);
  if (transfer.mounted.blobs > 0) return 'mounted';
  return transfer.copied.blobs > 0 ? 'copied' : 'present';
}

/** An image that lacks nothing else. */
function planOf(blob: LayerBlob): CopyPlan {
  const none = { kind: 'index', manifests: [] } as unknown as CopyPlan['root'];
  const empty = { source: none, root: none, children: [], present: [], foreign: [] };
  return { ...empty, blobs: [blob], missing: [blob], sizeBytes: blob.size };
}
