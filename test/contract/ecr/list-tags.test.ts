import { UpdateImageStorageClassCommand } from '@aws-sdk/client-ecr';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EcrTags } from '../../../core/aws/ecr/list-tags.ts';
import { pushImage, seededImage } from '../../support/seeded-image.ts';
import { rejectionOf, runEcr } from './ecr-fixture.ts';

const repositoryName = 'team/app';
const imageOf = (seed: string) => seededImage({ seed, layers: [{ size: 300 }] });
const [first, second, archived] = [imageOf('first'), imageOf('second'), imageOf('archived')];

async function run() {
  const ecr = await runEcr();
  const push = (tag: string, image: typeof first) =>
    pushImage(ecr.registry.endpoint, repositoryName, tag, image, { authorization: ecr.authorization });
  const tags = new EcrTags(
    { registry: ecr.registry.host, region: 'eu-west-1', fips: false, dualstack: false },
    {
      side: 'upstream',
      config: {
        endpoint: ecr.registry.endpoint,
        credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
        maxAttempts: 1,
      },
    },
  );
  onTestFinished(() => tags.close());
  const list = async (repository = repositoryName) => {
    const all = [];
    for await (const each of tags.list(repository)) all.push(each);
    return all.sort((a, b) => (a.tag < b.tag ? -1 : 1));
  };
  const calls = () => ecr.registry.requests.map(({ operation, path }) => operation ?? path);
  return { ...ecr, tags, push, list, calls };
}

describe('EcrTags', () => {
  it('lists each tag with its digest, in one call', async () => {
    const { registry, push, list, calls } = await run();
    await push('1', first);
    await push('2', second);
    await push('latest', first);
    await push('latest', second);
    registry.clearRequests();
    expect(await list()).toEqual([
      { tag: '1', digest: first.manifest.digest },
      { tag: '2', digest: second.manifest.digest },
      { tag: 'latest', digest: second.manifest.digest },
    ]);
    expect(calls()).toEqual(['ListImages']);
  });

  it('reads page after page', async () => {
    const { registry, push, list, calls } = await run();
    await push('0', second);
    await push('1', first);
    const bytes = Buffer.from(first.manifest.bytes);
    const { authorization } = registry;
    for (let at = 1; at <= 1_000; at += 50) {
      await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const answer = await fetch(`${registry.endpoint}/v2/${repositoryName}/manifests/${at + index}`, {
            method: 'PUT',
            headers: { authorization, 'content-type': first.manifest.mediaType },
            body: bytes,
          });
          expect(answer.status).toBe(201);
        }),
      );
    }
    registry.clearRequests();
    const listed = await list();
    expect(listed).toHaveLength(1_001);
    expect(new Set(listed.map(({ tag }) => tag)).size).toBe(1_001);
    expect(calls()).toEqual(['ListImages', 'ListImages']);
  });

  it('leaves out archived images', async () => {
    const { client, push, list } = await run();
    await push('1', first);
    await push('2', archived);
    const image = { repositoryName, imageId: { imageDigest: archived.manifest.digest } };
    await client.send(new UpdateImageStorageClassCommand({ ...image, targetStorageClass: 'ARCHIVE' }));
    expect(await list()).toEqual([{ tag: '1', digest: first.manifest.digest }]);
  });

  it('names an unknown repository as the distribution API does', async () => {
    const { list, registry } = await run();
    expect(await rejectionOf(list('team/other'))).toMatchObject({
      code: 'NAME_UNKNOWN',
      status: 404,
      side: 'upstream',
      registry: registry.host,
      repository: 'team/other',
      temporary: false,
    });
  });

  it('ends with its signal', async () => {
    const { tags, push } = await run();
    await push('1', first);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(tags.list(repositoryName, { signal }).next()).rejects.toThrow('enough');
  });
});
