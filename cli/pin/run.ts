import { apiAddress } from '../api/address.ts';
import { DrayageApi, type Job } from '../api/client.ts';
import { jobDetail } from '../jobs/detail.ts';
import { type FollowFlags, followToEnd, jobLine } from '../jobs/follow.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { NotMirroredError } from '../shared/command-error.ts';

/** The options of `drayage pin` and `drayage unpin`. */
export interface PinFlags extends ApiFlags, FollowFlags {}

/** `drayage pin` and `drayage unpin`: change whether a tag moves, and follow the job. */
export async function runPin(kind: 'pin' | 'unpin', image: string, flags: PinFlags): Promise<void> {
  const address = apiAddress(flags);
  const api = new DrayageApi(address);
  const job = await api.change(image, { kind });
  if (job === undefined) throw new NotMirroredError([image]);
  await followToEnd(address, [job], flags, kind === 'pin' ? pinned : unpinned);
}

function pinned(job: Job): string {
  const { image, state, digest } = job;
  if (state === 'committed') return `${image}  pinned  ${digest}`;
  return state === 'satisfied' ? `${image}  was already pinned  ${digest}` : jobLine(job);
}

/** After it, the tag follows its upstream: the job has looked, and copied what was new. */
function unpinned(job: Job): string {
  const { image, state, digest } = job;
  const hasEnded = state === 'committed' || state === 'satisfied';
  if (!hasEnded) return jobLine(job);
  return [image, 'follows its upstream', digest, jobDetail(job)].filter((part) => part).join('  ');
}
