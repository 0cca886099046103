import { commentOf, tomlText } from './quote.ts';
import { hostOf, isPlainHttp, type MirroredRepository } from './repositories.ts';

/** One upstream registry, as containerd is told about it. */
export interface RegistryHosts {
  /** As in references: `docker.io`, `127.0.0.1:5000`. It is the name of the folder, too. */
  registry: string;
  /**
   * Where the mirror serves the registry's repositories under their own names, in the order of
   * trying.
   */
  addresses: string[];
  /** Repositories that the mirror has under other names. */
  unreachable: MirroredRepository[];
}

/** The first line of each file, by which a later run knows its own. */
export const hostsTomlMark = '# Written by drayage export containerd.';

/** How many repositories are found below each address, and which are below none. */
type CountedAddresses = { counts: Map<string, number>; unreachable: MirroredRepository[] };

/** What there is to tell containerd, by registry. */
export function registryHostsOf(repositories: readonly MirroredRepository[]): RegistryHosts[] {
  const found = new Map<string, CountedAddresses>();
  for (const entry of repositories) {
    const known: CountedAddresses = found.get(entry.registry) ?? { counts: new Map(), unreachable: [] };
    found.set(entry.registry, known);
    const { counts, unreachable } = known;
    const addresses = entry.mirrors.map((mirror) => addressOf(mirror, entry.repository));
    for (const address of addresses) if (address) counts.set(address, (counts.get(address) ?? 0) + 1);
    if (addresses.includes(undefined)) unreachable.push(entry);
  }
  return [...found].map(([registry, { counts, unreachable }]) => ({
    registry,
    addresses: [...counts].sort(([, a], [, b]) => b - a).map(([address]) => address),
    unreachable,
  }));
}

/**
 * The address below which a mirror's repository is found by the upstream's name; undefined if its
 * name does not end with that. https://github.com/containerd/containerd/blob/main/docs/hosts.md
 */
function addressOf(mirror: string, repository: string): string | undefined {
  if (!mirror.endsWith(`/${repository}`)) return undefined;
  const base = mirror.slice(0, -repository.length - 1);
  const host = base.includes('/') ? hostOf(base) : base;
  return `${isPlainHttp(host) ? 'http' : 'https'}://${host}/v2${base.slice(host.length)}`;
}

/** `hosts.toml` for a registry. */
export function hostsTomlOf({ addresses, unreachable }: RegistryHosts): string {
  const tables = addresses.map(
    (address) => `
[host.${tomlText(address)}]
  capabilities = ["pull", "resolve"]
  override_path = true
`,
  );
  return `${hostsTomlMark}\n${unreachableComment(unreachable)}${tables.join('')}`;
}

/** Which repositories the mirror can't serve this way. */
export function unreachableComment(unreachable: readonly MirroredRepository[]): string {
  if (unreachable.length === 0) return '';
  const lines = unreachable.map(
    ({ registry, repository, mirrors }) => `- ${registry}/${repository}: ${mirrors.join(', ')}`,
  );
  return commentOf(
    `These come from the upstream: Amazon ECR does not take their names, so the mirror has others for them.\n${lines.join('\n')}`,
  );
}
