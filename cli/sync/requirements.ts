import { formatReference } from '../../core/oci/reference.ts';
import { checkContent } from '../../core/requirements/check-content.ts';
import type { CopyContext } from '../copy/context.ts';
import { CopyFailure } from '../copy/explain.ts';
import type { SyncImage } from './find-images.ts';

/**
 * What an image's rule requires, without a pipeline: nothing here remembers when a digest was first
 * seen, or waits for a scan. So images of rules that ask for that are refused rather than copied
 * unchecked.
 *
 * @throws CopyFailure
 */
export function expectCheckable({ src, rule }: SyncImage): void {
  const { ageSeconds, scan } = rule.require ?? {};
  const key = ageSeconds !== undefined ? 'age' : scan !== undefined ? 'scan' : undefined;
  if (key === undefined) return;
  const failure = {
    code: 'REQUIREMENT_UNAVAILABLE',
    message: `${formatReference(src)}: its rule has require.${key}, which only the pipeline can check; nothing is copied unchecked`,
    remedy: `let the pipeline mirror it, or run sync by a mirror.yaml whose rule ${rule.match} does not have require.${key}`,
  };
  throw new CopyFailure(failure, undefined);
}

/** Checks what manifests and configs tell, before anything is written. */
export function contentCheck({ src, rule }: SyncImage, signal: AbortSignal): Pick<CopyContext, 'check'> {
  const { require: requirements, match } = rule;
  if (requirements === undefined) return {};
  return {
    check: (plan, source) =>
      checkContent({ image: formatReference(src), match, requirements, plan, source }, { signal }),
  };
}
