import { type JobRecord, presentJob } from '../../core/jobs/record.ts';
import { plainText } from '../../core/oci/plain-text.ts';
import type { Delivery } from '../../local/watcher.ts';
import { jobDetail, stateText } from '../jobs/detail.ts';
import { formatDuration } from '../shared/format.ts';
import { adviceFor } from '../webhooks/describe.ts';

/** A delivery can name hundreds of images: only this many are shown. */
const shownItems = 3;
/** Text from a sender is shown up to this length. */
const longestText = 300;

/**
 * The outcome of a delivery. The content of a refused one is not shown, since its sender has proved
 * nothing.
 */
export function describeDelivery({ status, accepted, ignored, code = 'unknown' }: Delivery): string {
  if (status >= 500) return `not queued, answered ${status}: the sender should retry`;
  if (status >= 400) {
    const help = adviceFor(code);
    return `refused with ${status} ${code}${help === undefined ? '' : `: ${help}`}`;
  }
  if (accepted === undefined || ignored === undefined) return `answered ${status}, to a handshake`;
  const reasons = ignored.map(({ image, reason }) => (image === undefined ? reason : `${image}: ${reason}`));
  const parts = [
    ...listed(
      'accepted',
      accepted.map(({ image }) => image),
    ),
    ...listed('ignored', reasons),
  ];
  return parts.length === 0 ? 'a ping, or a delivery without images' : parts.join('; ');
}

function listed(what: string, items: readonly string[]): string[] {
  if (items.length === 0) return [];
  const shown = items.slice(0, shownItems).map((item) => plainText(item, longestText));
  const more = items.length - shown.length;
  return [`${what} ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
}

/** The outcome of a job. */
export function describeJob(record: JobRecord): string {
  const job = presentJob(record);
  const { image, state, receivedAt, finishedAt = '', error } = job;
  const took = Date.parse(finishedAt) - Date.parse(receivedAt);
  const when = state !== 'waiting' && took >= 0 ? ` in ${formatDuration(took)}` : '';
  const remedy = state === 'failed' && error !== undefined ? `; ${error.remedy}` : '';
  const why = `${jobDetail(job)}${remedy}`;
  return `${image} ${stateText(job)}${when}${why === '' ? '' : `: ${why}`}`;
}
