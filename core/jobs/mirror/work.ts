import type { Config, RepositoryRule, Upstream } from '../../config/config.ts';
import { formatImageKey } from '../../mapping/record.ts';
import { parseReference } from '../../oci/reference.ts';
import { policyFingerprint } from '../../policy/fingerprint.ts';
import { mirrorRepository } from '../../policy/mirror-repository.ts';
import { selectImage } from '../../policy/select-image.ts';
import { notConfigured } from '../errors.ts';
import type { JobRecord } from '../record.ts';

/** A mirror job, with the source and destination of its image by the current rule. */
export interface MirrorWork {
  job: JobRecord;
  upstream: Upstream;
  rule: RepositoryRule;
  /** The rule's fingerprint: under a different one, the same events must be looked at again. */
  fingerprint: string;
  /** The destination's name in its registry. */
  repository: string;
}

/** @throws JobFailure if no rule mirrors the image */
export function workOf(job: JobRecord, config: Config): MirrorWork {
  const image = formatImageKey(job.key);
  const selection = selectImage(config, parseReference(image));
  if (!selection.mirrored) throw notConfigured(image, selection.reason);
  const { upstream, rule } = selection;
  const repository = mirrorRepository(config, job.key.registry, job.key.repository);
  return { job, upstream, rule, fingerprint: policyFingerprint(rule), repository };
}
