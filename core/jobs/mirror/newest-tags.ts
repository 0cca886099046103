import type { RepositoryRule } from '../../config/config.ts';
import { isDigest } from '../../oci/digest.ts';
import { selectTags } from '../../policy/select-tags.ts';
import type { JobReason } from '../record.ts';

/**
 * Whether a tag is among the newest that its rule's `latest` names. Only the upstream's list of
 * tags can tell, so this is checked when the job runs, not when the event arrives.
 *
 * @returns why it is left out; undefined if it is among them
 */
export async function leftOutReason(
  rule: RepositoryRule,
  tag: string,
  tags: AsyncIterable<string>,
): Promise<JobReason | undefined> {
  if (isDigest(tag)) return undefined; // a digest has no age
  const all: string[] = [];
  for await (const name of tags) all.push(name);
  if (!all.includes(tag)) all.push(tag); // a list may lag behind the push that caused the job
  if (selectTags(rule, all).includes(tag)) return undefined;
  return {
    code: 'not_selected',
    message: `${tag} is not among the newest ${rule.tags.latest} tags of its rule`,
  };
}
