import type { Config, RepositoryRule } from '../../core/config/config.ts';
import type { StoredMapping } from '../../core/mapping/record.ts';
import { selectImage } from '../../core/policy/select-image.ts';

/** An image to try the pipeline with. */
export interface ExampleImage {
  registry: string;
  repository: string;
  tag: string;
  /**
   * Whether it is mirrored or named by the rules; otherwise parts in capitals stand for what only
   * the user knows.
   */
  isReal: boolean;
}

const patterned = /[*?]/;
/** The tag to use if the rules name none. */
const usualTag = 'latest';

/**
 * An image of one of the registries: one that is already mirrored, or that the rules name without a
 * pattern, or else one in the form of the rules.
 *
 * @param registries in order of preference
 * @param mapped what is mirrored
 * @returns undefined if no rule is for any of the registries
 */
export function exampleImage(
  config: Config,
  registries: readonly string[],
  mapped: readonly StoredMapping[],
): ExampleImage | undefined {
  for (const { key } of mapped) {
    const { registry, repository, reference: tag } = key;
    const isOurs = registries.includes(registry) && !tag.includes(':');
    if (isOurs && selectImage(config, { registry, repository, tag }).mirrored)
      return { registry, repository, tag, isReal: true };
  }
  const rules = registries.flatMap((registry) => {
    const upstream = config.upstreams.find((each) => each.registry === registry);
    return (upstream?.repositories ?? []).map((rule) => ({ registry, rule }));
  });
  for (const { registry, rule } of rules) {
    if (patterned.test(rule.match)) continue;
    const tag = [...rule.tags.include.filter((pattern) => !patterned.test(pattern)), usualTag].find(
      (each) => selectImage(config, { registry, repository: rule.match, tag: each }).mirrored,
    );
    if (tag !== undefined) return { registry, repository: rule.match, tag, isReal: true };
  }
  const [first] = rules;
  return first && { registry: first.registry, ...formOf(first.rule), isReal: false };
}

function formOf({ match, tags }: RepositoryRule): Pick<ExampleImage, 'repository' | 'tag'> {
  const [tag = '*'] = tags.include;
  return {
    repository: match.replace(/[*?]+(\/[*?]+)*/g, 'REPOSITORY'),
    tag: tag.replace(/[*?]+/g, 'TAG'),
  };
}
