import type { Config } from '../../core/config/config.ts';
import { parseConfig } from '../../core/mirror-yaml/parse.ts';

/** Where the upstreams are. */
export interface UpstreamAddresses {
  ghcr: string;
  hub: string;
  harbor: string;
}

/** The registries of the configuration, as references name them. */
export const registries = { ghcr: 'ghcr.io', hub: 'docker.io', harbor: 'harbor.example' } as const;
export type UpstreamName = keyof typeof registries;

/** The rules at the beginning, and after they have changed. */
export type RulesVersion = 'first' | 'second';

const rules: Record<RulesVersion, Record<UpstreamName, string>> = {
  first: {
    ghcr: `
      - { match: "acme/filtered-*", platforms: [linux/amd64] }
      - { match: "acme/**", tags: { exclude: ["*-rc*"] }, deleted: unmap }
      - { match: "legacy/*" }`,
    hub: `
      - { match: "library/*" }`,
    harbor: `
      - { match: "team/*", deleted: unmap }`,
  },
  // Another platform, another namespace, one that is left out, tags that are left out; and some
  // repositories whose old images may go.
  second: {
    ghcr: `
      - { match: "acme/filtered-*", platforms: [linux/amd64, linux/arm64], retention: { keepNewest: 1 } }
      - { match: "acme/**", tags: { exclude: ["*-rc*"] }, deleted: unmap }`,
    hub: `
      - { match: "library/*", tags: { exclude: [nightly] }, retention: { unmappedFor: 3d } }`,
    harbor: `
      - { match: "team/*", deleted: unmap, retention: { keepNewest: 1, unmappedFor: 2d } }
      - { match: "extra/*" }`,
  },
};

/** The configuration of a version. */
export function configOf(version: RulesVersion, upstreams: UpstreamAddresses): Config {
  const { ghcr, hub, harbor } = rules[version];
  const parsed = parseConfig(`
version: 1
mirror: { regions: [eu-west-1], repositoryPrefix: mirror }
upstreams:
  - registry: ${registries.ghcr}
    endpoint: ${upstreams.ghcr}
    webhook: { source: github, name: ghcr }
    repositories:${ghcr}
  - registry: ${registries.hub}
    endpoint: ${upstreams.hub}
    timeout: 5s
    webhook: { source: dockerhub, name: hub }
    repositories:${hub}
  - registry: ${registries.harbor}
    endpoint: ${upstreams.harbor}
    webhook: { source: harbor, name: harbor }
    repositories:${harbor}
`);
  if (!parsed.ok) throw new Error(parsed.errors.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  return parsed.config;
}
