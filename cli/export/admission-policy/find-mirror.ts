import type { Mapping } from '../../../core/mapping/record.ts';
import { parseReference } from '../../../core/oci/reference.ts';
import { CommandError } from '../../shared/command-error.ts';

const remedy = 'name it with --mirror 111122223333.dkr.ecr.eu-west-1.amazonaws.com/mirror';

/**
 * What the mirror's references begin with, `<registry>/<prefix>`, as mappings tell: after it, the
 * upstream's name follows. Names that ECR does not accept look otherwise, and tell nothing.
 *
 * @param region whose mirror; by default, each mapping's own
 * @throws CommandError if they do not tell, or differ
 */
export function findMirror(mappings: readonly Mapping[], region: string | undefined): string {
  const places = new Set(mappings.flatMap((mapping) => placeOf(mapping, region)));
  const [place, ...others] = [...places].sort();
  if (place === undefined)
    throw new CommandError(
      `no mapping says where the mirror${region === undefined ? '' : ` of ${region}`} keeps its images`,
      remedy,
    );
  if (others.length > 0)
    throw new CommandError(
      `the mappings name several mirrors: ${[place, ...others].join(', ')}`,
      'choose one with --region or --mirror',
    );
  return place;
}

function placeOf({ image, mirror, regions }: Mapping, region: string | undefined): string[] {
  const reference = region === undefined ? mirror : regions?.[region]?.mirror;
  if (reference === undefined) return [];
  const upstream = parseReference(image);
  const { registry, repository } = parseReference(reference);
  const end = `/${upstream.registry.replace(/:(\d+)$/, '_$1')}/${upstream.repository}`;
  return repository.endsWith(end) ? [`${registry}/${repository.slice(0, -end.length)}`] : [];
}
