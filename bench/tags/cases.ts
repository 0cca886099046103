import { manyRepositories, oneRepository, type TagsCorpus } from './corpus.ts';

/** What to copy, and whether over wires. */
export interface TagsCase {
  name: string;
  corpus(): TagsCorpus;
  isWired: boolean;
  /** Whether the pipeline mirrors it, too. */
  hasPipeline: boolean;
}

const all: TagsCase[] = [
  { name: 'a', corpus: oneRepository, isWired: true, hasPipeline: true },
  { name: 'b', corpus: manyRepositories, isWired: true, hasPipeline: false },
  { name: 'a-loopback', corpus: oneRepository, isWired: false, hasPipeline: true },
  { name: 'b-loopback', corpus: manyRepositories, isWired: false, hasPipeline: false },
];

/** The cases with the given names, or all. @throws for an unknown name */
export function tagsCases(names?: string[]): TagsCase[] {
  const unknown = names?.find((name) => !all.some((each) => each.name === name));
  if (unknown !== undefined)
    throw new Error(`there is no case ${unknown} of tags: ${all.map(({ name }) => name).join(', ')}`);
  return all.filter(({ name }) => !names || names.includes(name));
}
