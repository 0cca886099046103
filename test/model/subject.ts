import type { Config } from '../../core/config/config.ts';
import type { ImageKey } from '../../core/mapping/record.ts';
import { parseConfig } from '../../core/mirror-yaml/parse.ts';
import { seededImage } from '../support/seeded-image.ts';

/** The tag that everything is about. */
export const key: ImageKey = { registry: 'docker.io', repository: 'library/app', reference: 'latest' };

/** What upstream's tag points to, in this order. */
export const images = ['v0', 'v1', 'v2', 'v3'].map((seed) => seededImage({ seed, layers: [{ size: 10 }] }));

/** Signatures are looked for by the same jobs minutes later: they would only make runs longer. */
export const config: Config = (() => {
  const parsed = parseConfig(`
version: 1
mirror: { regions: [eu-west-1], repositoryPrefix: mirror }
upstreams:
  - registry: docker.io
    repositories: [{ match: "library/*", referrers: false }]
`);
  if (!parsed.ok) throw new Error(parsed.errors.map(({ path, message }) => `${path} ${message}`).join('\n'));
  return parsed.config;
})();
