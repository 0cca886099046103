import { formatReference, parseReference } from '../../core/oci/reference.ts';
import { apiAddress } from '../api/address.ts';
import { DrayageApi, type Job } from '../api/client.ts';
import { type FollowFlags, followToEnd } from '../jobs/follow.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { counted } from '../shared/format.ts';

/** The options of `drayage mirror`. */
export interface MirrorFlags extends ApiFlags, FollowFlags {}

/** The API takes this many images at once. */
const chunkSize = 100;

/** `drayage mirror`: queues the images, each once, and follows all of their jobs. */
export async function runMirror(images: readonly string[], flags: MirrorFlags): Promise<void> {
  const address = apiAddress(flags);
  const api = new DrayageApi(address);
  const distinct = new Map(images.map((image) => [formatReference(parseReference(image)), image]));
  await followToEnd(address, await queueImages(api, [...distinct.values()]), flags);
}

async function queueImages(api: DrayageApi, images: readonly string[]): Promise<Job[]> {
  const jobs: Job[] = [];
  for (let at = 0; at < images.length; at += chunkSize) {
    try {
      jobs.push(...(await api.mirror(images.slice(at, at + chunkSize))));
    } catch (error) {
      // What was queued before goes on, whatever became of the rest.
      if (jobs.length > 0)
        process.stderr.write(
          `${counted(jobs.length, 'image')} of ${images.length} queued before this failed: drayage jobs --watch\n`,
        );
      throw error;
    }
  }
  return jobs;
}
