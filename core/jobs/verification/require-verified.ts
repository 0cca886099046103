import type { RepositoryRule } from '../../config/config.ts';
import type { ImageSource } from '../../copy/ports.ts';
import { type Evidence, formatImageKey, type ImageKey, type MappingRecord } from '../../mapping/record.ts';
import type { Digest } from '../../oci/digest.ts';
import { reasonOf, shortfallOf, type Verdict, verdictAbout } from '../../verify/verdict.ts';
import type { MirrorJobDependencies } from '../dependencies.ts';
import { JobFailure, signatureInvalid } from '../errors.ts';
import type { JobReason, JobRecord } from '../record.ts';
import { evidenceIn, evidenceOf, evidenceOfLayers } from './evidence.ts';
import { SignatureMissingError } from './signature-wait.ts';

type VerifyDependencies = Pick<MirrorJobDependencies, 'awaited' | 'now' | 'verifyImage'>;

/** An image that a job has seen upstream, and its rule. */
export interface ImageToAdmit {
  job: JobRecord;
  rule: RepositoryRule;
  fingerprint: string;
  /** What the upstream's reference points to. */
  digest: Digest;
  source: ImageSource;
  /** What the tag or digest is mapped to. */
  mapping: MappingRecord | undefined;
}

/** Whether a job may mirror its image. */
export type Admission =
  /** `evidence` is absent where the rule requires none. */
  | { kind: 'admitted'; evidence?: Evidence }
  /** An earlier job failed for lack of a signature, and the image is still like that. */
  | { kind: 'left-out'; reason: JobReason };

/**
 * Verifies an image as its rule requires, before anything of it is put into the mirror. What is
 * verified is the digest that the look found, and the job copies no other.
 *
 * An image that is not verified is noted, so that the event of a later signature finds it.
 * Comparisons with the upstream see the same unsigned tags each time: a job of theirs waits for the
 * signature once, and later ones only look whether it is there.
 *
 * @throws SignatureMissingError if a signature may still come; JobFailure `signature_invalid` if
 *   the ones that are there are not what is required; RegistryError if the upstream does not serve
 *   what must be read
 */
export async function admit(
  image: ImageToAdmit,
  deps: VerifyDependencies,
  signal: AbortSignal,
): Promise<Admission> {
  const { job, rule, digest, mapping } = image;
  if (rule.verify === undefined) return { kind: 'admitted' };
  const known = evidenceOfLayers(job.fannedOut, digest, image) ?? evidenceIn(mapping, digest, image);
  if (known) return { kind: 'admitted', evidence: known };
  const verdict = await verdictOn(image, deps, signal);
  if (verdict.kind === 'verified')
    return { kind: 'admitted', evidence: evidenceOf(verdict.verified, image.fingerprint) };
  const { key, id } = job;
  const before = await deps.awaited.note({ key, digest, job: id, now: deps.now() });
  const message = unverifiedMessage(key, digest, verdict);
  if (job.trigger === 'reconcile' && before !== undefined && before !== id)
    return { kind: 'left-out', reason: { code: 'unverified', message } };
  if (verdict.kind === 'missing') throw new SignatureMissingError(message);
  throw signatureInvalid(message);
}

/**
 * Verifies an image that a tag is to be moved or pinned to although no look has found it.
 *
 * @throws JobFailure `not_verified`: nobody waits for a signature
 */
export async function verifyForChange(
  image: Omit<ImageToAdmit, 'mapping'>,
  deps: Pick<VerifyDependencies, 'verifyImage'>,
  signal: AbortSignal,
): Promise<Evidence> {
  const verdict = await verdictOn(image, deps, signal);
  if (verdict.kind === 'verified') return evidenceOf(verdict.verified, image.fingerprint);
  throw new JobFailure(
    'not_verified',
    unverifiedMessage(image.job.key, image.digest, verdict),
    'choose a verified digest from its history, or sign this one as `verify` of its rule requires',
  );
}

async function verdictOn(
  { job, rule, digest, source }: Omit<ImageToAdmit, 'mapping'>,
  { verifyImage }: Pick<VerifyDependencies, 'verifyImage'>,
  signal: AbortSignal,
): Promise<Verdict> {
  if (rule.verify === undefined) throw new Error(`the rule ${rule.match} requires no signature`);
  const image = { image: formatImageKey(job.key), digest, verification: rule.verify, source };
  return verdictAbout(digest, await verifyImage(image, { signal }));
}

function unverifiedMessage(
  key: ImageKey,
  digest: Digest,
  verdict: Exclude<Verdict, { kind: 'verified' }>,
): string {
  const image = formatImageKey(key);
  return `${image} at ${digest} ${shortfallOf(verdict)}, so it is not mirrored: ${reasonOf(image, verdict)}`;
}
