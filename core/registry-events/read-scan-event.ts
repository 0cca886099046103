import * as z from 'zod';
import type { ScanPlace } from '../jobs/requirements/ports.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { type MirrorPlace, scanEventType } from './patterns.ts';

/**
 * What is read of an event for a finished basic scan. Neither its status nor its findings are used:
 * the jobs that it wakes ask for them.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
 */
const scanEvent = z.object({
  source: z.literal('aws.ecr'),
  'detail-type': z.literal(scanEventType),
  account: z.string(),
  region: z.string(),
  detail: z.object({
    'repository-name': z.string(),
    'image-digest': z.custom<Digest>(isDigest, 'it is not a digest'),
  }),
});

/**
 * Reads an event about a scan in the mirror's registry.
 *
 * @param event the content of a message: anything
 * @returns undefined for anything else, which another reader may know
 */
export function readScanEvent(event: unknown, place: MirrorPlace): ScanPlace | undefined {
  const parsed = scanEvent.safeParse(event);
  if (!parsed.success) return undefined;
  const { account, region, detail } = parsed.data;
  const repository = detail['repository-name'];
  const isOurs =
    account === place.account && region === place.region && repository.startsWith(`${place.prefix}/`);
  return isOurs ? { repository, digest: detail['image-digest'] } : undefined;
}
