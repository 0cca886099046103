import type { RepositoryRule } from '../config/config.ts';
import { selectTags } from '../policy/select-tags.ts';
import { JobFailure } from './job-failure.ts';

/**
 * Checks that a tag is among the newest that its rule's `latest` names. Only the upstream's list of tags can tell, so
 * the check is made when the job runs, not when the event arrives.
 *
 * @throws JobFailure not_selected, when newer tags have taken its place.
 */
export async function requireNewest(
  rule: RepositoryRule,
  tag: string,
  tags: AsyncIterable<string>,
): Promise<void> {
  if (tag.includes(':')) return; // a digest has no age
  const all: string[] = [];
  for await (const name of tags) all.push(name);
  if (!all.includes(tag)) all.push(tag); // a list may lag behind the push that we were told of
  if (!selectTags(rule, all).includes(tag)) {
    throw new JobFailure(
      'not_selected',
      `${tag} is not among the newest ${rule.tags.latest} tags of its rule`,
      'raise `latest`',
    );
  }
}
