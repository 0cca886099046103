import type { ExportFormat } from '../export.ts';
import { byRepository, type RepositoryMappings } from '../repositories.ts';

/** What the policy finds of one upstream repository. */
export interface KyvernoRepository {
  /** The mirror's repository, with its host. */
  mirror: string;
  /** Each tag's digest in the mirror. */
  tags: Record<string, string>;
  /** Digests that are mapped and that no tag has. */
  digests: string[];
}

/**
 * The mapping by repository, as the policy of the export `kyverno` looks images up: a quarter of
 * the size of the export `json`, since Kyverno takes 10 MB at most. Each repository has a line.
 */
export const kyvernoData: ExportFormat = {
  name: 'kyverno-data',
  contentType: 'application/json',
  async *render(mappings) {
    yield '{"version":1,"repositories":{';
    let separator = '\n';
    for await (const repository of byRepository(mappings)) {
      const name = JSON.stringify(`${repository.registry}/${repository.repository}`);
      yield `${separator}${name}:${JSON.stringify(entryOf(repository))}`;
      separator = ',\n';
    }
    yield '\n}}\n';
  },
};

function entryOf({ images }: RepositoryMappings): KyvernoRepository {
  const mirror = images[0]?.mirror ?? '';
  const same = images.filter((image) => image.mirror === mirror);
  const tags = new Map(
    same.filter(({ isDigest }) => !isDigest).map(({ reference, digest }) => [reference, digest]),
  );
  const tagged = new Set(tags.values());
  const digests = same.filter(({ isDigest, digest }) => isDigest && !tagged.has(digest));
  return { mirror, tags: Object.fromEntries(tags), digests: digests.map(({ digest }) => digest) };
}
