import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { EcrRegistry } from '../../../core/aws/ecr/registry.ts';
import type { RepositorySettings } from '../../../core/config/config.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { inChunks, timeOf } from '../../support/byte-streams.ts';
import { MemoryCheckpoints } from '../../support/memory-checkpoints.ts';
import { blobOf, parsed } from '../../support/memory-image.ts';
import { seededImage } from '../../support/seeded-image.ts';
import { describeDestination } from './destination-contract.ts';
import { ecrSubject, plainSettings, startEcr } from './subjects.ts';

describe('a repository of Amazon ECR', () => {
  describeDestination(ecrSubject);

  let started: Awaited<ReturnType<typeof startEcr>> | undefined;
  afterEach(async () => {
    await started?.close();
    started = undefined;
  });
  const start = async (settings?: RepositorySettings) => {
    started = await startEcr(settings);
    return started;
  };
  const startWithCheckpoints = async () => {
    const { registry } = await start();
    const ecr = new EcrRegistry('eu-west-1', plainSettings, { checkpoints: new MemoryCheckpoints() });
    onTestFinished(() => ecr.close());
    return { registry, checkpointed: await ecr.repository('mirror/app') };
  };
  const operations = () => (started?.registry.requests ?? []).flatMap(({ operation }) => operation ?? []);

  it('asks about blobs a hundred at a time', async () => {
    const { ecr, registry } = await start();
    const repository = await ecr.repository('mirror/app');
    await repository.presentBlobs([blobOf('creates it')]);
    registry.clearRequests();

    await repository.presentBlobs(Array.from({ length: 250 }, (_, i) => blobOf(`asked ${i}`)));
    expect(operations()).toEqual(Array(3).fill('BatchCheckLayerAvailability'));
  });

  it('creates the repository when it is first needed, and only once', async () => {
    const { ecr, registry } = await start();
    const repository = await ecr.repository('mirror/docker.io/library/nginx');
    expect(registry.repositories()).toEqual([]);

    expect(await repository.presentBlobs([blobOf('a layer')])).toEqual(new Set());
    expect(await repository.presentBlobs([blobOf('a layer')])).toEqual(new Set());

    expect(registry.repositories()).toEqual(['mirror/docker.io/library/nginx']);
    expect(operations().filter((name) => name === 'CreateRepository')).toHaveLength(1);
  });

  it('tells that it has created a repository, but not that there was one', async () => {
    const { registry } = await start();
    const created: string[] = [];
    const onCreated = (name: string) => created.push(name);
    const ecr = new EcrRegistry('eu-west-1', plainSettings, { onCreated });
    onTestFinished(() => ecr.close());
    const names = ['mirror/new', 'mirror/new', 'mirror/other'];
    for (const name of names) await (await ecr.repository(name)).presentBlobs([]);
    expect(created).toEqual(['mirror/new', 'mirror/other']);
    expect(registry.repositories()).toEqual(created);
  });

  it('creates it for an image without blobs, too', async () => {
    const { ecr, registry } = await start();
    await (await ecr.repository('mirror/empty')).presentBlobs([]);
    expect(registry.repositories()).toEqual(['mirror/empty']);
  });

  it('tolerates somebody who creates it at the same time', async () => {
    const { ecr, registry } = await start();
    const [one, two] = await Promise.all([ecr.repository('mirror/app'), ecr.repository('mirror/app')]);
    const answers = await Promise.all([one.presentBlobs([blobOf('x')]), two.presentBlobs([blobOf('y')])]);

    expect(answers).toEqual([new Set(), new Set()]);
    expect(operations().filter((name) => name === 'CreateRepository')).toHaveLength(2);
    expect(registry.repositories()).toEqual(['mirror/app']);
  });

  it('asks for one token, however many repositories are opened at once', async () => {
    const { ecr } = await start();
    await Promise.all(['a', 'b', 'c'].map((name) => ecr.repository(`mirror/${name}`)));
    await ecr.host();
    expect(operations()).toEqual(['GetAuthorizationToken']);
  });

  it('asks again after it could not get a token', async () => {
    const { ecr, registry } = await start();
    registry.faults.add({
      match: { operation: 'GetAuthorizationToken', times: 1 },
      action: { kind: 'status', status: 400 },
    });
    await expect(ecr.host()).rejects.toMatchObject({ side: 'mirror', operation: 'GetAuthorizationToken' });
    expect(await ecr.host()).toBe(registry.host);
  });

  it('makes tags immutable if the settings say so, except for those that may move', async () => {
    const { ecr, registry } = await start({ ...plainSettings, immutableTags: { except: ['latest'] } });
    const repository = await ecr.repository('mirror/app');
    const images = ['one', 'two'].map((seed) => seededImage({ seed, layers: [{ size: 99 }] }));
    await repository.presentBlobs([blobOf('x')]);
    for (const { blobs } of images) {
      for (const bytes of blobs.values()) {
        const opened = await repository.openUpload(blobOf(bytes));
        if (opened.kind === 'session') await opened.upload.write(inChunks(bytes));
      }
    }
    const [one, two] = images.map(({ manifest }) => parsed(manifest));
    if (!one || !two) throw new Error('no images');
    await repository.putManifest(one, 'latest');
    await repository.putManifest(two, 'latest');
    await repository.putManifest(one, '1.0');
    await repository.putManifest(one, '1.0'); // again, which ECR refuses
    await expect(repository.putManifest(two, '1.0')).rejects.toMatchObject({
      code: 'TAG_INVALID',
      temporary: false,
    });

    expect(registry.tag('mirror/app', 'latest')).toBe(two.digest);
    expect(registry.tag('mirror/app', '1.0')).toBe(one.digest);
  });

  it.each([
    [
      'EMPTY_BLOB',
      { ...blobOf(''), mediaType: 'application/vnd.example.config' },
      /can't hold a blob of 0 bytes/,
    ],
    [
      'DIGEST_UNSUPPORTED',
      { ...blobOf('x'), digest: digestOf(Buffer.from('x'), 'sha512') },
      /only sha256 digests/,
    ],
  ])('refuses what it cannot hold before anything is sent: %s', async (code, blob, message) => {
    const { registry, checkpointed } = await startWithCheckpoints();
    const read = async () => inChunks(Buffer.from('x'));
    for (const refused of [
      () => checkpointed.presentBlobs([blobOf('fine'), blob]),
      () => checkpointed.openUpload(blob),
      () => checkpointed.uploadInParts?.(blob, read),
    ]) {
      const error = await Promise.resolve(refused()).catch((reason) => reason);
      expect(error).toMatchObject({ name: 'CopyError', code, side: 'upstream', temporary: false });
      expect(error.message).toMatch(message);
      expect(error.message).toContain(blob.digest);
      expect(error.message).toContain(blob.mediaType);
      expect(error.remedy).toContain('publisher');
    }
    expect(operations()).toEqual(['GetAuthorizationToken']);
    expect(registry.repositories()).toEqual([]);
  });

  it('treats trouble at the service as temporary', async () => {
    const { ecr, registry } = await start();
    const repository = await ecr.repository('mirror/app');
    registry.faults.add({
      match: { operation: 'BatchCheckLayerAvailability' },
      action: { kind: 'status', status: 500 },
    });
    await expect(repository.presentBlobs([blobOf('x')])).rejects.toMatchObject({
      side: 'mirror',
      operation: 'BatchCheckLayerAvailability',
      temporary: true,
    });
  });

  it('treats an API that cannot be reached as temporary', async () => {
    const { ecr, registry } = await start();
    const repository = await ecr.repository('mirror/app');
    registry.faults.add({ match: { operation: 'BatchCheckLayerAvailability' }, action: { kind: 'cut' } });
    await expect(repository.presentBlobs([blobOf('x')])).rejects.toMatchObject({
      side: 'mirror',
      code: 'CONNECTION',
      temporary: true,
    });
  });

  it.each(['BatchCheckLayerAvailability', 'CreateRepository'])(
    'ends %s at once when it is cancelled, with the reason',
    async (operation) => {
      const { ecr, registry } = await start();
      const repository = await ecr.repository('mirror/app');
      registry.faults.add({ match: { operation }, action: { kind: 'stall' } });
      const abort = new AbortController();
      const asking = repository.presentBlobs([blobOf('x')], { signal: abort.signal });
      setTimeout(() => abort.abort(new Error('enough')), 100);

      expect(await timeOf(asking)).toBeLessThan(3_000);
      await expect(asking).rejects.toBe(abort.signal.reason);
    },
  );
});
