import { apiAddress } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import { RequestError } from '../api/request-error.ts';
import type { ApiFlags } from '../shared/api-command.ts';

/** The API takes this many images at once. */
const chunkSize = 100;

/** What became of the images that were asked for. */
export interface Enqueued {
  queued: number;
  /** Those that no rule names. */
  refused: string[];
}

/**
 * Asks the API to mirror images. It takes all of a request or none, so refusals are narrowed down.
 */
export async function enqueueMissing(
  images: readonly string[],
  flags: ApiFlags,
  signal?: AbortSignal,
): Promise<Enqueued> {
  const api = new DrayageApi(apiAddress(flags), signal);
  const result: Enqueued = { queued: 0, refused: [] };
  for (let at = 0; at < images.length; at += chunkSize)
    await enqueue(api, images.slice(at, at + chunkSize), result);
  return result;
}

async function enqueue(api: DrayageApi, images: readonly string[], result: Enqueued): Promise<void> {
  try {
    await api.mirror(images);
    result.queued += images.length;
  } catch (error) {
    if (!(error instanceof RequestError) || error.code !== 'not_configured') throw error;
    if (images.length === 1) {
      result.refused.push(...images);
      return;
    }
    const half = Math.ceil(images.length / 2);
    await enqueue(api, images.slice(0, half), result);
    await enqueue(api, images.slice(half), result);
  }
}
