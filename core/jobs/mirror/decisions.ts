import { isDigestKey, type MappingRecord } from '../../mapping/record.ts';
import type { TagState } from '../../mapping/store.ts';
import type { Manifest } from '../../oci/manifest.ts';
import { type JobRecord, wasBegunBefore } from '../record.ts';
import { evidenceIn } from '../verification/evidence.ts';
import type { MirrorWork } from './work.ts';

/**
 * Whether everything that this job's event could report is already committed. A later look is
 * requested after such a commit, so it always looks. So does a job that was already begun once: it
 * may have moved the tag and lost its lease, and then the mirror's tag is not what was committed.
 * And a mapping that was removed since, because the mirror had lost the image, is not what was
 * committed, either.
 */
export function isSatisfied(
  { job, fingerprint }: Pick<MirrorWork, 'job' | 'fingerprint'>,
  { committed, mapping }: Pick<TagState, 'committed' | 'mapping'>,
): boolean {
  return (
    job.trigger !== 'recheck' &&
    !wasBegunBefore(job) &&
    mapping !== undefined &&
    committed !== undefined &&
    committed.fingerprint === fingerprint &&
    job.event <= committed.event
  );
}

/** Caches of registries are behind for less than this, in milliseconds. */
const cachedMs = 60_000;

/**
 * Whether two looks within a minute saw different images, so that one more look is due: the later
 * look may have got the older answer, from a cache that was behind.
 *
 * @param other what is mapped instead, or was mapped before
 */
export function contradicts(
  { sourceDigest, observedAt }: Pick<MappingRecord, 'sourceDigest' | 'observedAt'>,
  other: MappingRecord | undefined,
): boolean {
  if (other === undefined || other.pin || other.sourceDigest === sourceDigest) return false;
  return Math.abs(Date.parse(observedAt) - Date.parse(other.observedAt)) < cachedMs;
}

/**
 * Whether blobs will probably be copied: the tag is not mapped, or an event says that it moved.
 * Then it is worth opening connections early, and the digest of the mirror's tag does not matter.
 * Other looks mostly find nothing.
 */
export function willTravel({ trigger, event }: JobRecord, { mapping, committed }: TagState): boolean {
  return mapping === undefined || (trigger === 'webhook' && event > (committed?.event ?? 0));
}

/**
 * The mapping, if what the upstream shows is already mapped, by the same policy and to the same
 * place. An image that its rule requires to be verified must have been, under this rule: a rollback
 * may have mapped it since.
 */
export function mappedAlready(
  { digest }: Pick<Manifest, 'digest'>,
  { fingerprint, repository, rule }: Pick<MirrorWork, 'fingerprint' | 'repository' | 'rule'>,
  { committed, mapping }: Pick<TagState, 'committed' | 'mapping'>,
): MappingRecord | undefined {
  const isSame =
    committed?.fingerprint === fingerprint &&
    mapping?.sourceDigest === digest &&
    mapping.mirrorRepository === repository &&
    (rule.verify === undefined || evidenceIn(mapping, digest, { fingerprint }) !== undefined);
  return isSame ? mapping : undefined;
}

/**
 * Whether the upstream may have answered from a stale cache, so that one more look is due. This is
 * so if an event came although the upstream shows what is already mapped, or if this look also
 * covers other events, whose jobs will not ask the upstream: later ones, or earlier ones whose jobs
 * have yet to run.
 *
 * @param known the tag before the look
 * @param begun the tag when the look began
 */
export function mayBeStale(
  { key, event, trigger }: Pick<JobRecord, 'key' | 'event' | 'trigger'>,
  { known, begun, root }: { known: TagState | undefined; begun: TagState; root: Pick<Manifest, 'digest'> },
): boolean {
  if (isDigestKey(key)) return false; // a digest does not move
  const covered = known?.committed?.event ?? 0;
  if (begun.events > Math.max(event, covered)) return true;
  if (known !== undefined && event > covered + 1) return true;
  return trigger === 'webhook' && known?.mapping?.sourceDigest === root.digest;
}
