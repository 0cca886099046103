import type { JobRecord } from '../../core/jobs/record.ts';

/** What a job that ended well means for its image, where the state alone does not say. */
export function jobMeaning({ state, reason }: Pick<JobRecord, 'state' | 'reason'>): string | undefined {
  if (reason !== undefined) return reason.message;
  if (state === 'satisfied') return 'the mirror already had it';
  return state === 'superseded' ? 'a later push took its place' : undefined;
}
