import { plainText } from '../../core/oci/plain-text.ts';
import type { Job } from '../api/client.ts';
import { jobMeaning } from '../api/job-meaning.ts';
import { formatTransfer } from '../copy/report.ts';
import { clockOrDate } from '../shared/format.ts';

/** Text from registries is shown up to this length. */
const longestText = 300;

/** What can be said of a job in words. */
type Described = Pick<Job, 'state' | 'error' | 'reason' | 'transfer' | 'notBefore' | 'change'>;

/**
 * Why a job waits or has failed, what it found, or what it copied; empty if nothing is known yet.
 */
export function jobDetail(job: Described): string {
  const { state, error, transfer } = job;
  if (state === 'failed' || state === 'waiting')
    return error === undefined ? '' : plainText(error.message, longestText);
  return jobMeaning(job) ?? (transfer === undefined ? '' : formatTransfer(transfer));
}

/** The state, and for a job that waits, until when: `waiting until 20:40:04`. */
export function stateText({ state, notBefore }: Described): string {
  return state === 'waiting' && notBefore !== undefined
    ? `waiting until ${clockOrDate(new Date(notBefore))}`
    : state;
}
