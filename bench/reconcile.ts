import { benchLargeReconcile } from './reconcile/large.ts';

/** Comparing upstreams with the mirror. */
export async function benchReconcile(): Promise<string> {
  return await benchLargeReconcile();
}
