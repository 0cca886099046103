import { describe, expect, it } from 'vitest';
import { startScriptedServer } from '../../../support/scripted-server.ts';
import { clientFor } from '../client-for.ts';
import { digest, tagsOf } from './listing.ts';

const list = 'GET /v2/p/r/app/tags/list';

/** As Google's registries answer. */
const answer = (manifest: object, tags: string[]) => ({
  status: 200,
  body: { child: [], manifest, name: 'p/r/app', tags },
});
const image = (tag: unknown) => ({
  imageSizeBytes: '1',
  layerId: '',
  mediaType: 'application/vnd.oci.image.index.v1+json',
  tag,
  timeCreatedMs: '1',
  timeUploadedMs: '1',
});

async function tagsFrom(registry: string, request: string, body: object) {
  const server = await startScriptedServer([{ request, answer: { status: 200, body } }]);
  return await tagsOf(clientFor(server, { registry }), 'p/r/app');
}

describe('tags/list of Google’s registries', () => {
  it.each(['gcr.io', 'eu.gcr.io', 'us-docker.pkg.dev', 'registry.k8s.io'])(
    'has digests itself, and up to 10,000 tags on a page: %s',
    async (registry) => {
      const { body } = answer(
        {
          [digest('1')]: image(['1', 'latest']),
          [digest('untagged')]: image([]),
          [digest('2')]: image(['2']),
        },
        ['1', '2', 'latest'],
      );
      expect(await tagsFrom(registry, `${list}?n=10000`, body)).toEqual([
        { tag: '1', digest: digest('1') },
        { tag: '2', digest: digest('2') },
        { tag: 'latest', digest: digest('1') },
      ]);
    },
  );

  it('is read the same way from any registry, whatever comes first', async () => {
    const body = { tags: ['1', '2'], manifest: { [digest('1')]: image(['1']) } };
    expect(await tagsFrom('r.example', `${list}?n=1000`, body)).toEqual([
      { tag: '1', digest: digest('1') },
      { tag: '2' },
    ]);
  });

  it('follows its pages', async () => {
    const server = await startScriptedServer([
      {
        request: `${list}?n=10000`,
        answer: {
          ...answer({ [digest('1')]: image(['1']) }, ['1']),
          headers: { link: '</v2/p/r/app/tags/list?n=10000&last=1>; rel="next"' },
        },
      },
      { request: `${list}?n=10000&last=1`, answer: answer({ [digest('2')]: image(['2']) }, ['2']) },
    ]);
    const client = clientFor(server, { registry: 'us-docker.pkg.dev' });
    expect(await tagsOf(client, 'p/r/app')).toEqual([
      { tag: '1', digest: digest('1') },
      { tag: '2', digest: digest('2') },
    ]);
  });

  it.each([
    ['a tag with two digests', { [digest('1')]: image(['1']), [digest('2')]: image(['1']) }],
    ['what is not a digest', { 'sha256:1': image(['1']) }],
    ['tags in another form', { [digest('1')]: image('1'), [digest('2')]: image([['1']]) }],
    ['tags one level too high', { [digest('1')]: ['1'] }],
    ['no objects', 'none'],
  ])('gives no digest for %s', async (_, manifest) => {
    const body = { manifest, tags: ['1'] };
    expect(await tagsFrom('gcr.io', `${list}?n=10000`, body)).toEqual([{ tag: '1' }]);
  });

  it('lists no tag that is only in the object', async () => {
    const body = { manifest: { [digest('1')]: image(['1', 'gone']) }, tags: ['1'] };
    expect(await tagsFrom('gcr.io', `${list}?n=10000`, body)).toEqual([{ tag: '1', digest: digest('1') }]);
  });
});
