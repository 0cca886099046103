import { isDigestKey, type MappingRecord } from '../../mapping/record.ts';
import type { TagState } from '../../mapping/store.ts';
import type { Manifest } from '../../oci/manifest.ts';
import { type JobRecord, wasBegunBefore } from '../record.ts';
import type { MirrorWork } from './work.ts';

/**
 * Whether everything this job's event could tell is committed already. A later look was asked for
 * after such a commit: it always looks. So does a job that was begun before: it may have moved the
 * tag and lost its lease, and then the tag in the mirror is not what was committed.
 */
export function isSatisfied(
  { job, fingerprint }: Pick<MirrorWork, 'job' | 'fingerprint'>,
  { committed }: Pick<TagState, 'committed'>,
): boolean {
  return (
    job.trigger !== 'recheck' &&
    !wasBegunBefore(job) &&
    committed !== undefined &&
    committed.fingerprint === fingerprint &&
    job.event <= committed.event
  );
}

/**
 * Whether blobs will likely travel: a tag that is not mapped, or of which somebody says that it
 * moved. Connections are worth opening then before it is known, and what the mirror's tag names is
 * of no interest. Other looks mostly find nothing.
 */
export function willTravel({ trigger, event }: JobRecord, { mapping, committed }: TagState): boolean {
  return mapping === undefined || (trigger === 'webhook' && event > (committed?.event ?? 0));
}

/**
 * The mapping, if what the upstream shows is mapped already, by the same policy and to the same
 * place.
 */
export function mappedAlready(
  { digest }: Pick<Manifest, 'digest'>,
  { fingerprint, repository }: Pick<MirrorWork, 'fingerprint' | 'repository'>,
  { committed, mapping }: Pick<TagState, 'committed' | 'mapping'>,
): MappingRecord | undefined {
  const isSame =
    committed?.fingerprint === fingerprint &&
    mapping?.sourceDigest === digest &&
    mapping.mirrorRepository === repository;
  return isSame ? mapping : undefined;
}

/**
 * Whether the upstream may have answered from a cache that a push is ahead of, so that one more
 * look is due: when an event came although the upstream shows what is mapped already, and when this
 * look also counts for events that came after the job's own, whose jobs will ask nobody.
 *
 * @param known the tag before the look
 * @param begun the tag when the look began
 */
export function mayBeStale(
  { key, event, trigger }: Pick<JobRecord, 'key' | 'event' | 'trigger'>,
  { known, begun, root }: { known: TagState | undefined; begun: TagState; root: Pick<Manifest, 'digest'> },
): boolean {
  if (isDigestKey(key)) return false; // a digest does not move
  if (begun.events > Math.max(event, known?.committed?.event ?? 0)) return true;
  return trigger === 'webhook' && known?.mapping?.sourceDigest === root.digest;
}
