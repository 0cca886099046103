import { BatchDeleteImageCommand, DeleteRepositoryCommand, ECRClient } from '@aws-sdk/client-ecr';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Digest } from '../../core/oci/digest.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { type SeededImage, seededImage } from '../support/seeded-image.ts';

describe('a layer that several images share', () => {
  let pipeline: Pipeline;
  let ecr: ECRClient;
  beforeAll(async () => {
    pipeline = await startPipeline();
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    ecr = new ECRClient({ endpoint: pipeline.stack.registry.endpoint, region: 'eu-west-1', credentials });
  });
  beforeEach(() => {
    pipeline.upstream.clearRequests();
    pipeline.stack.registry.clearRequests();
  });
  afterAll(async () => {
    ecr.destroy();
    await pipeline[Symbol.asyncDispose]();
  });

  const image = (seed: string, layer: string, size = 3_000_000) =>
    seededImage({ seed, layers: [{ size, seed: layer }, { size: 500 }] });
  const sharedLayer = ({ layers }: SeededImage): Digest => layers[0]?.digest as Digest;
  const reads = (digest: Digest) =>
    pipeline.upstream.requests.filter(({ method, path }) => method === 'GET' && path.endsWith(digest));
  /** A function that has just started is asked to log in first: that says nothing of blobs. */
  const requests = () => pipeline.stack.registry.requests.filter(({ status }) => status !== 401);
  /** The requests to store or mount the blob, and their outcomes. */
  const uploads = (digest: Digest) =>
    requests()
      .filter(({ query }) => decodeURIComponent(query).includes(digest))
      .map(({ method, status, query }) => {
        const from = new URLSearchParams(query).get('from');
        return `${method}${from === null ? '' : ` from ${from.replace('mirror/ghcr.io/', '')}`}: ${status}`;
      });

  it('is copied once to a repository, although the jobs come at the same time', async () => {
    const images = ['one', 'two', 'three'].map((seed) => image(seed, 'of one repository'));
    for (const [n, each] of images.entries()) await pipeline.push('acme/same', `${n}`, each);
    const answers = await Promise.all(images.map((_, n) => pipeline.github('acme/same', `${n}`)));
    for (const answer of answers) {
      const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
      await pipeline.jobIn(accepted[0]?.job ?? '', 'committed');
    }
    expect(reads(sharedLayer(images[0] as SeededImage))).toHaveLength(1);
  });

  it('is copied once for ten repositories: the others mount it', async () => {
    const digest = sharedLayer(image('any', 'of ten'));
    for (let n = 0; n < 10; n += 1) {
      const job = await pipeline.mirror(`acme/ten-${n}`, '1', image(`app ${n}`, 'of ten'));
      const mounted = n === 0 ? { blobs: 0, bytes: 0 } : { blobs: 1, bytes: 3_000_000 };
      expect(job, JSON.stringify(job.error)).toMatchObject({
        state: 'committed',
        transfer: { mounted, copied: { blobs: n === 0 ? 3 : 2 } },
      });
      expect(pipeline.stack.registry.hasBlob(`mirror/ghcr.io/acme/ten-${n}`, digest)).toBe(true);
    }
    expect(reads(digest)).toHaveLength(1);
    expect(uploads(digest).map((line) => line.replace(/ten-\d/, 'another'))).toEqual([
      'PUT: 201',
      ...Array.from({ length: 9 }, () => 'POST from acme/another: 201'),
    ]);
  });

  it.each([
    [
      'whose repository was deleted',
      'deleted',
      () => new DeleteRepositoryCommand({ repositoryName: 'mirror/ghcr.io/acme/deleted-1', force: true }),
    ],
    [
      'whose image was deleted',
      'emptied',
      () =>
        new BatchDeleteImageCommand({
          repositoryName: 'mirror/ghcr.io/acme/emptied-1',
          imageIds: [{ imageTag: '1' }],
        }),
    ],
  ])(
    '%s costs one request, which starts the upload, and is not looked for there again',
    async (_, name, remove) => {
      const digest = sharedLayer(image('any', name));
      await pipeline.mirror(`acme/${name}-1`, '1', image(`${name} 1`, name));
      // Otherwise the image would be mirrored again as soon as the registry tells of the deletion.
      await fetch(`${pipeline.upstream.endpoint}/v2/acme/${name}-1/manifests/1`, { method: 'DELETE' });
      await ecr.send(remove() as DeleteRepositoryCommand);
      pipeline.stack.registry.clearRequests();

      const copied = await pipeline.mirror(`acme/${name}-2`, '1', image(`${name} 2`, name));
      expect(copied).toMatchObject({
        state: 'committed',
        transfer: { mounted: { blobs: 0 }, copied: { blobs: 3 } },
      });
      expect(uploads(digest)).toEqual([`POST from acme/${name}-1: 202`, 'PUT: 201']);
      const begun = requests().filter(({ method, path }) => method === 'POST' && path.endsWith('/uploads/'));
      expect(begun, 'one for each blob').toHaveLength(3);

      pipeline.stack.registry.clearRequests();
      const mounted = await pipeline.mirror(`acme/${name}-3`, '1', image(`${name} 3`, name));
      expect(mounted).toMatchObject({ transfer: { mounted: { blobs: 1 } } });
      expect(uploads(digest)).toEqual([`POST from acme/${name}-2: 201`]);
      expect(reads(digest)).toHaveLength(2);
    },
  );
});
