import type { RegionChoice } from '../../core/discover/write-config.ts';

/** What `drayage init` takes, too. */
const defaultRegion = 'eu-west-1';

const isRegion = (text: string) => /^[a-z]{2,5}(-[a-z]+){1,3}-\d{1,2}$/.test(text);

/**
 * The region of the mirror: the one that is given, that of the environment, that of the nodes, or a
 * default.
 */
export function chooseRegion(
  given: string | undefined,
  environment: string | undefined,
  nodes: string | undefined,
): RegionChoice {
  if (given !== undefined) return { region: given };
  if (environment !== undefined && environment !== '')
    return { region: environment, note: 'from AWS_REGION' };
  // Other clouds have other names for their regions.
  if (nodes !== undefined && isRegion(nodes)) return { region: nodes, note: 'where the nodes are' };
  return {
    region: defaultRegion,
    note: 'a default: write the region of your cluster here, or give --region',
  };
}
