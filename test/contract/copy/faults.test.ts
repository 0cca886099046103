import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CopyOptions } from '../../../core/copy/copy.ts';
import { type EmbeddedRegistry, type FaultAction, startRegistry } from '../../../local/ecr/server.ts';
import { copyWhole, counted, repositoryAt, requestLines } from '../../support/copying.ts';
import { pushImage, type SeededIndex, seededIndex } from '../../support/seeded-image.ts';

const platforms = ['amd64', 'arm64', 's390x'].map((architecture) => ({ os: 'linux', architecture }));
/** An index of three platforms with 21 blobs, one of them shared. */
const imageOf = (seed: string): SeededIndex =>
  seededIndex({
    seed,
    platforms,
    layers: [
      { size: 1_500_000, seed: `${seed} base` },
      ...Array.from({ length: 6 }, (_, n) => ({ size: 5_000 * (n + 1) })),
    ],
  });

/**
 * The most that may be requested of a blob in one copy: three uploads, three reads of each, and
 * four requests for each of these.
 */
const most = {
  'POST uploads': 12,
  'PUT upload': 3,
  'GET blobs': 36,
  'GET manifests': 4,
  'PUT manifests': 16,
};
/** A copy that fails for now is started again, as jobs are. */
const mostCopies = 8;

const hasty = {
  timeouts: { connectMs: 2_000, headersMs: 200, fetchMs: 200, idleBodyMs: 200, finishMs: 200 },
  retry: { baseMs: 5, maxMs: 20 },
};
const hurried: CopyOptions = { pause: async () => {} };

describe('an image', () => {
  let upstream: EmbeddedRegistry;
  let mirror: EmbeddedRegistry;
  beforeAll(async () => {
    upstream = await startRegistry({ flavour: 'distribution' });
    mirror = await startRegistry({ flavour: 'distribution' });
  });
  afterEach(() => {
    for (const registry of [upstream, mirror]) {
      registry.faults.clear();
      registry.clearRequests();
    }
  });
  afterAll(() => Promise.all([upstream.stop(), mirror.stop()]));

  /**
   * Spoils a fifth of all answers of either registry: refused, failed, cut or never given, some of
   * them in the middle.
   */
  const breakAFifth = (seed: number) => {
    const actions: [number, FaultAction][] = [
      [0.05, { kind: 'status', status: 429 }],
      [0.05, { kind: 'status', status: 500 }],
      [0.03, { kind: 'cut' }],
      [0.03, { kind: 'cut', afterBytes: 3_000 }],
      [0.02, { kind: 'stall' }],
      [0.02, { kind: 'stall', afterBytes: 4_000 }],
    ];
    for (const [n, { faults }] of [upstream, mirror].entries()) {
      for (const [k, [probability, action]] of actions.entries()) {
        // Each has its own dice: equal dice would fall alike, and only the first fault would ever
        // happen.
        faults.add({ match: { probability, seed: seed * 1_000 + n * 100 + k }, action });
      }
    }
  };

  it.each([1, 2, 3, 4])(
    'arrives although a fifth of all answers fail (seed %i)',
    async (seed) => {
      const repository = `fifth-${seed}`;
      const image = imageOf(repository);
      await pushImage(upstream.endpoint, repository, 'latest', image);
      upstream.clearRequests();
      const source = repositoryAt(upstream, repository, { side: 'upstream', ...hasty });
      const destination = repositoryAt(mirror, repository, { side: 'mirror', ...hasty });
      breakAFifth(seed);

      let copies = 1;
      for (; ; copies += 1) {
        const failure = await copyWhole(source, destination, 'latest', hurried).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failure === undefined) break;
        expect(failure).toMatchObject({ temporary: true });
        expect(copies).toBeLessThan(mostCopies);
      }

      const failed = [...upstream.requests, ...mirror.requests].filter(
        ({ status }) => status === 0 || status >= 429,
      );
      expect(failed.length).toBeGreaterThan(10);
      for (const digest of image.blobs.keys()) expect(mirror.hasBlob(repository, digest)).toBe(true);
      for (const { manifest } of image.children)
        expect(mirror.hasManifest(repository, manifest.digest)).toBe(true);
      expect(mirror.tag(repository, 'latest')).toBe(image.manifest.digest);
      for (const digest of [
        ...image.blobs.keys(),
        ...image.children.map(({ manifest }) => manifest.digest),
      ]) {
        const about = [...upstream.requests, ...mirror.requests].filter(({ path, query }) =>
          `${path}?${decodeURIComponent(query)}`.includes(digest),
        );
        for (const [what, times] of Object.entries(counted(requestLines(about)))) {
          if (what in most)
            expect(times, `${what} of ${digest}`).toBeLessThanOrEqual(
              most[what as keyof typeof most] * copies,
            );
        }
      }
      // Far below what single blobs may cost: a blob that got through is never started over.
      expect(
        mirror.requests.filter(({ method, status }) => method === 'PUT' && status === 201).length,
      ).toBeLessThan(26 + 5 * copies);
    },
    60_000,
  );

  it('is committed despite many 429s in a row for each of its manifests', async () => {
    const image = imageOf('storm');
    await pushImage(upstream.endpoint, 'storm', 'latest', image);
    const source = repositoryAt(upstream, 'storm', { side: 'upstream', ...hasty });
    const destination = repositoryAt(mirror, 'storm', { side: 'mirror', ...hasty });
    for (const { manifest } of [...image.children, image]) {
      const reference = manifest === image.manifest ? 'latest' : manifest.digest;
      mirror.faults.add({
        match: { method: 'PUT', path: `/manifests/${reference}`, times: 12 },
        action: { kind: 'status', status: 429 },
      });
    }
    await copyWhole(source, destination, 'latest', hurried);

    expect(mirror.tag('storm', 'latest')).toBe(image.manifest.digest);
    const puts = mirror.requests.filter(
      ({ method, path }) => method === 'PUT' && path.includes('/manifests/'),
    );
    expect(puts).toHaveLength(4 * 13);
    expect(destination.streams.value, 'half of the maximum').toBeLessThanOrEqual(32);
  });

  it('fails for now after a bounded number of requests if nothing gets through, and says what to do', async () => {
    const image = imageOf('hopeless');
    await pushImage(upstream.endpoint, 'hopeless', 'latest', image);
    upstream.clearRequests();
    const source = repositoryAt(upstream, 'hopeless', { side: 'upstream', ...hasty });
    const destination = repositoryAt(mirror, 'hopeless', { side: 'mirror', ...hasty });
    mirror.faults.add({ match: { method: 'PUT' }, action: { kind: 'cut', afterBytes: 100 } });
    const failure = await copyWhole(source, destination, 'latest', hurried).catch((error: unknown) => error);

    expect(failure).toMatchObject({
      side: 'mirror',
      code: 'CONNECTION',
      temporary: true,
      remedy: /./,
      operation: 'upload blob',
    });
    for (const digest of image.blobs.keys()) {
      const puts = mirror.requests.filter(
        ({ method, query }) => method === 'PUT' && decodeURIComponent(query).includes(digest),
      );
      expect(puts.length).toBeLessThanOrEqual(3);
    }
    expect(mirror.tags('hopeless')).toEqual([]);
  });
});
