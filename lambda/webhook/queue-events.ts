import { enqueue } from '../../core/jobs/enqueue.ts';
import { formatImageKey, imageKey } from '../../core/mapping/record.ts';
import type { QueueableEvents } from '../../core/webhooks/decide.ts';
import type { IgnoredEvent } from '../../core/webhooks/source.ts';
import { config, jobs, mappings, queue } from '../shared/services.ts';

/** The body of a 202. */
export interface Queued {
  accepted: { image: string; job: string }[];
  ignored: IgnoredEvent[];
}

/** Queues a job for each event of a delivery. @throws NotQueuedError when some could not be queued. */
export async function queueEvents(result: QueueableEvents): Promise<Queued> {
  const deps = { config: config(), mappings: mappings(), jobs: jobs(), queue: queue() };
  const images = result.events.map(({ image, digest }) => ({ key: imageKey(image), toldDigest: digest }));
  // Images first: a signature is added to an image that is there, and jobs of one repository run in turn.
  const queued = await enqueue(images, 'webhook', deps);
  const signatures = result.signatures.map((subject) => ({ key: imageKey(subject) }));
  queued.push(...(await enqueue(signatures, 'signature', deps)));
  return {
    accepted: queued.map((job) => ({ image: formatImageKey(job.key), job: job.id })),
    ignored: result.ignored,
  };
}
