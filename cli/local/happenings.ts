import type { JobRecord } from '../../core/jobs/record.ts';
import { formatImageKey } from '../../core/mapping/record.ts';
import { plainText } from '../../core/oci/plain-text.ts';
import type { Delivery } from '../../local/watcher.ts';
import { jobMeaning } from '../api/job-meaning.ts';
import { formatTransfer } from '../copy/report.ts';
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
export function describeJob(job: JobRecord): string {
  const { state, transfer, error, notBefore } = job;
  const told = [`${formatImageKey(job.key)} ${state}`];
  if (state === 'waiting' && notBefore !== undefined) told.push(` until ${clock(new Date(notBefore))}`);
  const took = Date.parse(job.finishedAt ?? '') - Date.parse(job.receivedAt);
  if (state !== 'waiting' && took >= 0) told.push(` in ${formatDuration(took)}`);
  const why =
    state === 'failed' || state === 'waiting'
      ? error && `${plainText(error.message, longestText)}${state === 'failed' ? `; ${error.remedy}` : ''}`
      : (jobMeaning(job) ?? (transfer && formatTransfer(transfer)));
  return told.join('') + (why ? `: ${why}` : '');
}

/** The time of day: `20:40:04`. */
export function clock(time: Date): string {
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
