import type { JobRecord } from '../../core/jobs/record.ts';

/** What a job that ended well means for its image, where the state alone does not say. */
export function jobMeaning({
  state,
  reason,
  change,
}: Pick<JobRecord, 'state' | 'reason' | 'change'>): string | undefined {
  if (reason !== undefined) return reason.message;
  if (state === 'satisfied')
    return change === undefined || change.kind === 'unpin'
      ? 'the mirror already had it'
      : 'nothing had to be changed';
  return state === 'superseded' ? 'a later push took its place' : undefined;
}
