import type { JobRecord } from '../../core/jobs/record.ts';

/** What it means for the image that its job ended well, where the state does not tell. */
export function jobMeaning({ state, reason }: Pick<JobRecord, 'state' | 'reason'>): string | undefined {
  if (reason !== undefined) return reason.message;
  if (state === 'satisfied') return 'the mirror had it already';
  return state === 'superseded' ? 'a later push took its place' : undefined;
}
