import { describe, expect, it } from 'vitest';
import { coverageOf } from '../../../core/discover/coverage.ts';
import { configOf, withUpstream } from '../mirror-yaml/config-text.ts';
import { inventoryOf, podOf } from './pods.ts';

const config = configOf(
  withUpstream(
    '  - registry: docker.io',
    '    repositories: [{ match: library/nginx, tags: { semver: ">=1.27 <2" } }, { match: library/redis }]',
  ),
);
const ecr = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';

describe('the coverage of what runs', () => {
  it('counts images and pods, and says why an image is not covered', () => {
    const inventory = inventoryOf(
      podOf(['nginx:1.27.3', 'redis']),
      podOf(['nginx:1.26']),
      podOf(['nginx:1.26', 'quay.io/a/b:1'], {}, { name: 'other' }),
      podOf([`${ecr}/own:1`, `${ecr}/mirror/docker.io/library/redis:7`, 'a b']),
    );
    const coverage = coverageOf(inventory, config);
    expect(coverage).toMatchObject({
      images: 5,
      covered: 3,
      percent: 60,
      pods: 4,
      podsCovered: 2,
      fromMirror: 1,
    });
    expect(coverage.uncovered).toEqual([
      {
        image: 'docker.io/library/nginx:1.26',
        reason: 'the rule library/nginx leaves out the tag 1.26: tags.semver is >=1.27 <2',
        pods: 2,
        places: 0,
        examples: ['shop/web', 'shop/other'],
      },
      {
        image: 'quay.io/a/b:1',
        reason: 'no upstream is configured for the registry quay.io',
        pods: 1,
        places: 0,
        examples: ['shop/other'],
      },
    ]);
    expect(coverage.exempt).toMatchObject([
      { image: `${ecr}/own:1`, reason: expect.stringContaining('eu-west-1') },
    ]);
    expect(coverage.invalid).toMatchObject([{ image: 'a b', pods: 1 }]);
    expect(coverage).not.toHaveProperty('mirror');
  });

  it('says what is mirrored and comes from upstream all the same', () => {
    const inventory = inventoryOf(
      podOf(['nginx:1.27', 'redis:8']),
      podOf([`${ecr}/mirror/docker.io/library/nginx:1.27`], {}, { name: 'mirrored' }),
    );
    const pinned = `${ecr}/mirror/docker.io/library/nginx@sha256:${'b'.repeat(64)}`;
    const find = (image: string) => (image.includes('nginx') ? { pinned } : undefined);
    expect(coverageOf(inventory, config, find).mirror).toMatchObject({
      mirrored: 1,
      notMirrored: [{ image: 'docker.io/library/redis:8' }],
      fromUpstream: [{ image: 'docker.io/library/nginx:1.27', pods: 1, reason: pinned }],
    });
  });

  it('is never 100 % as long as anything is missing', () => {
    const images = Array.from({ length: 2_000 }, (_, i) => `redis:${i}`);
    expect(coverageOf(inventoryOf(podOf([...images, 'x/y'])), config).percent).toBe(99.9);
    expect(coverageOf(inventoryOf(podOf(images)), config).percent).toBe(100);
    expect(coverageOf(inventoryOf(podOf([`${ecr}/own:1`])), config).percent).toBe(100);
  });
});
