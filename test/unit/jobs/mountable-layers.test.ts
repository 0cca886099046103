import { describe, expect, it, vi } from 'vitest';
import type { LayerIndex } from '../../../core/copy/blob/layer-index.ts';
import { mountableLayers } from '../../../core/jobs/mountable-layers.ts';
import { parseConfig } from '../../../core/mirror-yaml/parse.ts';
import { digestOf } from '../../../core/oci/digest.ts';

const parsed = parseConfig(`
version: 1
mirror: { regions: [eu-west-1], repositoryPrefix: mirror }
upstreams:
  - registry: docker.io
    repositories: [{ match: "**" }]
  - registry: ghcr.io
    credentials: { secret: ghcr }
    repositories: [{ match: "**" }]
  - registry: ghcr.io.example
    credentials: { secret: other }
    repositories: [{ match: "**" }]
  - registry: registry.example:5000
    credentials: { secret: example }
    repositories: [{ match: "**" }]
`);
if (!parsed.ok) throw new Error('the configuration is wrong');
const { config } = parsed;
const layer = digestOf(Buffer.from('layer'));
const holders = [
  'mirror/ghcr.io/acme/private',
  'mirror/ghcr.io.example/acme/private',
  'mirror/registry.example_5000/acme/private',
  'mirror/docker.io/library/debian',
  'elsewhere/docker.io/library/debian',
];
const index: LayerIndex = {
  find: async () => new Map([[layer, holders]]),
  add: vi.fn(),
  drop: vi.fn(),
};

describe('where an image may be mounted from', () => {
  it.each([
    ['docker.io', ['mirror/docker.io/library/debian']],
    ['ghcr.io', ['mirror/ghcr.io/acme/private', 'mirror/docker.io/library/debian']],
    ['ghcr.io.example', ['mirror/ghcr.io.example/acme/private', 'mirror/docker.io/library/debian']],
    [
      'registry.example:5000',
      ['mirror/registry.example_5000/acme/private', 'mirror/docker.io/library/debian'],
    ],
  ])('an image of %s: its own upstream, and those that anybody can read', async (registry, expected) => {
    expect(await mountableLayers(index, config, registry).find([layer])).toEqual(
      new Map([[layer, expected]]),
    );
  });

  it('leaves out layers that can be mounted from nowhere', async () => {
    const secret: LayerIndex = { ...index, find: async () => new Map([[layer, [holders[0] as string]]]) };
    expect(await mountableLayers(secret, config, 'docker.io').find([layer])).toEqual(new Map());
  });
});
