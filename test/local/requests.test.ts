import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { counted, requestLines } from '../support/copying.ts';
import { drayage } from '../support/drayage.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { pushImage, seededImage, seededIndex } from '../support/seeded-image.ts';

/**
 * Opening connections and logging in do not count as the cost of a copy, and neither do the
 * settings of the repository: each instance of the function reads them once an hour.
 */
const settings = ['DescribeRepositories', 'GetRepositoryPolicy', 'GetLifecyclePolicy'];
const aside = new Set(['GET ping', 'GetAuthorizationToken', ...settings]);
/** Looking for signatures and the like is counted separately. */
const isAboutReferrers = ({ path }: { path: string }) =>
  path.includes('/referrers/') || /\/manifests\/sha256-[0-9a-f]{64}/.test(path);

/** What a registry was asked, and how often. */
function asked(registry: EmbeddedRegistry): Record<string, number> {
  const requests = registry.requests.filter((request) => !isAboutReferrers(request));
  return counted(requestLines(requests).filter((line) => !aside.has(line)));
}

const layers = (count: number) => Array.from({ length: count }, (_, n) => ({ size: 100 + n }));

describe('the requests of a mirror job', () => {
  let pipeline: Pipeline;
  let mirror: EmbeddedRegistry;
  beforeAll(async () => {
    pipeline = await startPipeline();
    mirror = pipeline.stack.registry;
    await pipeline.mirror('acme/app', 'first', seededImage({ seed: 'first', layers: layers(1) }));
  });
  beforeEach(() => {
    pipeline.upstream.clearRequests();
    mirror.clearRequests();
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  /** Like {@link Pipeline.mirror}, without the requests of the push. */
  const mirrored = async (tag: string, image: Parameters<Pipeline['push']>[2]) => {
    await pipeline.push('acme/app', tag, image);
    pipeline.upstream.clearRequests();
    const answer = await pipeline.github('acme/app', tag);
    const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
    const job = await pipeline.jobIn(accepted[0]?.job ?? '', 'committed', 'failed', 'waiting');
    expect(job).toMatchObject({ state: 'committed', digest: image.manifest.digest });
    return job;
  };

  it('are two per missing blob, one per hundred blobs, one per manifest and one for the tag', async () => {
    await mirrored('many', seededImage({ seed: 'many', layers: layers(149) }));
    expect(asked(mirror)).toEqual({
      BatchCheckLayerAvailability: 2,
      'POST uploads': 150,
      'PUT upload': 150,
      'PUT manifests': 1,
      'HEAD manifests': 1,
    });
    expect(asked(pipeline.upstream)).toEqual({ 'GET manifests': 1, 'GET blobs': 150 });
  });

  it('read each manifest and each blob of an index once', async () => {
    const index = seededIndex({
      seed: 'index',
      layers: [{ size: 900, seed: 'shared by both' }, { size: 400 }],
    });
    await mirrored('index', index);
    expect(asked(mirror)).toEqual({
      BatchCheckLayerAvailability: 1,
      'POST uploads': 5,
      'PUT upload': 5,
      'PUT manifests': 3,
      'HEAD manifests': 1,
    });
    expect(asked(pipeline.upstream)).toEqual({ 'GET manifests': 3, 'GET blobs': 5 });
    const read = pipeline.upstream.requests.map(({ path }) => path).filter((path) => path !== '/v2/');
    expect(Object.values(counted(read)).every((times) => times === 1)).toBe(true);
  });

  it('are POST and PUT, and GET upstream, if one blob is missing', async () => {
    const shared = Array.from({ length: 8 }, (_, n) => ({ size: 3_000, seed: `base ${n}` }));
    await mirrored('base', seededImage({ seed: 'base', layers: shared }));
    mirror.clearRequests();
    const job = await mirrored('app', seededImage({ seed: 'another config', layers: shared }));
    expect(job.transfer).toMatchObject({ copied: { blobs: 1 }, present: { blobs: 8 } });
    expect(asked(mirror)).toEqual({
      BatchCheckLayerAvailability: 1,
      'POST uploads': 1,
      'PUT upload': 1,
      'PUT manifests': 1,
      'HEAD manifests': 1,
    });
    expect(asked(pipeline.upstream)).toEqual({ 'GET manifests': 1, 'GET blobs': 1 });
  });

  it('are three in all if there is nothing to do', async () => {
    const image = seededImage({ seed: 'idle', layers: layers(3) });
    await mirrored('idle', image);
    mirror.clearRequests();
    await mirrored('idle', image);
    expect(asked(mirror)).toEqual({ 'HEAD manifests': 2 });
    expect(asked(pipeline.upstream)).toEqual({ 'GET manifests': 1 });
    expect(pipeline.upstream.requests.filter(isAboutReferrers)).toEqual([]);
  });

  it('are four more upstream for what refers to a new image, and none more at the mirror', async () => {
    await mirrored('unsigned', seededImage({ seed: 'unsigned', layers: layers(2) }));
    expect(pipeline.upstream.requests.filter(isAboutReferrers)).toHaveLength(4);
    expect(mirror.requests.filter(isAboutReferrers)).toEqual([]);
  });
});

describe('the requests of drayage copy', () => {
  let from: EmbeddedRegistry;
  let to: EmbeddedRegistry;
  beforeAll(async () => {
    from = await startRegistry({ flavour: 'distribution' });
    to = await startRegistry({ flavour: 'distribution' });
  });
  afterAll(() => Promise.all([from.stop(), to.stop()]));

  const copied = async (image: Parameters<typeof pushImage>[3]) => {
    await pushImage(from.endpoint, 'app', '1', image);
    from.clearRequests();
    to.clearRequests();
    const result = await drayage([
      'copy',
      `${from.host}/app:1`,
      `${to.host}/app:1`,
      '--plain-http',
      '--json',
    ]);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(to.tag('app', '1')).toBe(image.manifest.digest);
  };
  const shared = Array.from({ length: 6 }, (_, n) => ({ size: 3_000, seed: `base ${n}` }));

  it('are one that asks and opens, and one that sends, for each missing blob', async () => {
    await copied(seededImage({ seed: 'plain', layers: shared }));
    expect(asked(to)).toEqual({
      'HEAD manifests': 1,
      'POST uploads': 7,
      'PUT upload': 7,
      'PUT manifests': 1,
    });
    for (const { method, query } of to.requests) {
      if (method === 'POST') expect(query).toMatch(/^mount=sha256%3A[0-9a-f]{64}&from=app$/);
    }
    expect(asked(from)).toEqual({ 'GET manifests': 1, 'GET blobs': 7 });
  });

  it('are one for each blob that is present, of which nothing is read', async () => {
    await copied(seededImage({ seed: 'another plain config', layers: shared }));
    expect(asked(to)).toEqual({
      'HEAD manifests': 1,
      'POST uploads': 7,
      'PUT upload': 1,
      'PUT manifests': 1,
    });
    expect(asked(from)).toEqual({ 'GET manifests': 1, 'GET blobs': 1 });
  });

  it('are two in all if there is nothing to do', async () => {
    await copied(seededImage({ seed: 'another plain config', layers: shared }));
    expect(asked(to)).toEqual({ 'HEAD manifests': 1 });
    expect(asked(from)).toEqual({ 'GET manifests': 1 });
  });
});
