import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { basic, clientFor, errorOf, listed } from './client-for.ts';

describe('listTags', () => {
  const list = 'GET /v2/library/nginx/tags/list';
  const page = (tags: unknown, link?: string) => ({
    status: 200,
    headers: (link === undefined ? {} : { link }) as Record<string, string>,
    body: { name: 'library/nginx', tags },
  });

  it('reads page after page', async () => {
    const server = await startScriptedServer();
    server.expect(
      {
        request: `${list}?n=2`,
        answer: page(['1', '2'], '</v2/library/nginx/tags/list?n=2&last=2>; rel="next"'),
      },
      {
        request: `${list}?n=2&last=2`,
        answer: page(['3', '4'], `<${server.origin}/v2/library/nginx/tags/list?last=4>; rel=next`),
      },
      { request: `${list}?last=4`, answer: page(['5']) },
    );
    const client = clientFor(server);
    expect(await listed(client.listTags('library/nginx', { pageSize: 2 }))).toEqual([
      '1',
      '2',
      '3',
      '4',
      '5',
    ]);
  });

  it('requests no page that nobody reads', async () => {
    const server = await startScriptedServer([
      { request: `${list}?n=1000`, answer: page(['1'], '</v2/library/nginx/tags/list?last=1>; rel="next"') },
    ]);
    for await (const tag of clientFor(server).listTags('library/nginx')) {
      expect(tag).toBe('1');
      break;
    }
  });

  it.each([
    ['to another host', 'https://evil.example/v2/library/nginx/tags/list', /another host, evil\.example/],
    ['to another port', 'http://127.0.0.1:1/v2/library/nginx/tags/list', /another host/],
    ['to another scheme', 'ftp://127.0.0.1/x', /scheme ftp:/],
    ['to itself', '/v2/library/nginx/tags/list?n=1000', /already read/],
  ])('refuses a Link %s', async (_, link, message) => {
    const server = await startScriptedServer([
      {
        request: `${list}?n=1000`,
        answer: { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
      },
      {
        request: `${list}?n=1000`,
        headers: { authorization: basic('u', 'hunter22') },
        answer: page(['1'], `<${link}>; rel="next"`),
      },
    ]);
    const client = clientFor(server, { credentials: async () => ({ username: 'u', password: 'hunter22' }) });
    const error = await errorOf(listed(client.listTags('library/nginx')));
    expect(error).toMatchObject({
      code: 'LINK_REFUSED',
      temporary: false,
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['null, as Go writes an empty list', null, []],
    ['what is not a tag left out', ['ok', '../up', '', 7, 'a'.repeat(129), 'x y'], ['ok']],
  ])('returns from a list with %s %j', async (_, tags, expected) => {
    const server = await startScriptedServer([{ request: `${list}?n=1000`, answer: page(tags) }]);
    expect(await listed(clientFor(server).listTags('library/nginx'))).toEqual(expected);
  });

  it.each([
    ['an unknown repository', { status: 404, body: '' }, 'NAME_UNKNOWN'],
    ['what is not a list', { status: 200, body: '<html>' }, 'ANSWER_INVALID'],
    ['a list of something else', { status: 200, body: { tags: 'all' } }, 'ANSWER_INVALID'],
  ])('refuses %s', async (_, answer, code) => {
    const server = await startScriptedServer([{ request: `${list}?n=1000`, answer }]);
    expect(await errorOf(listed(clientFor(server).listTags('library/nginx')))).toMatchObject({
      code,
    });
  });

  it('ends at a million tags', async () => {
    const full = Array.from({ length: 500_000 }, (_, i) => `${i}`);
    const link = (last: number) => `</v2/library/nginx/tags/list?last=${last}>; rel="next"`;
    const server = await startScriptedServer([
      { request: `${list}?n=1000`, answer: page(full, link(1)) },
      { request: `${list}?last=1`, answer: page(full, link(2)) },
      // What is not a tag counts, too.
      { request: `${list}?last=2`, answer: page([{}], link(3)) },
    ]);
    let count = 0;
    const error = await errorOf(
      (async () => {
        for await (const _ of clientFor(server).listTags('library/nginx')) count += 1;
      })(),
    );
    expect(error).toMatchObject({ code: 'ANSWER_TOO_LARGE', temporary: false });
    expect(error.message).toContain('more than 1000000 tags');
    expect(count).toBe(1_000_000);
  });

  it('ends at 64 MiB of tags', async () => {
    const long = Array.from({ length: 600_000 }, (_, i) => `${i}`.padEnd(128, 'x'));
    const server = await startScriptedServer([{ request: `${list}?n=1000`, answer: page(long) }]);
    expect(await errorOf(listed(clientFor(server).listTags('library/nginx')))).toMatchObject({
      code: 'ANSWER_TOO_LARGE',
    });
  });

  it('reads a list in one piece: 40,000 tags, with an object for each image beside them', async () => {
    const tags = Array.from(
      { length: 40_000 },
      (_, i) => `main-${i}-0123456789abcdef0123456789abcdef01234567`,
    );
    const manifest = Object.fromEntries(
      tags
        .slice(0, 20_000)
        .map((tag, i) => [`sha256:${i}`, { tag: [tag], mediaType: 'x', timeCreatedMs: '1' }]),
    );
    const body = JSON.stringify({ child: [], manifest, name: 'library/nginx', tags });
    expect(body.length).toBeGreaterThan(2 * 1024 * 1024);
    const server = await startScriptedServer([{ request: `${list}?n=1000`, answer: { status: 200, body } }]);
    expect(await listed(clientFor(server).listTags('library/nginx'))).toEqual(tags);
  });

  it.each([400, 405, 422])('leaves out n if it is refused with %i, and keeps doing so', async (status) => {
    const server = await startScriptedServer([
      {
        request: `${list}?n=1000`,
        answer: { status, body: { errors: [{ code: 'PAGINATION_NUMBER_INVALID' }] } },
      },
      { request: list, answer: page(['1']) },
      { request: list, answer: page(['2']) },
    ]);
    const client = clientFor(server);
    expect(await listed(client.listTags('library/nginx'))).toEqual(['1']);
    expect(await listed(client.listTags('library/nginx'))).toEqual(['2']);
  });

  it.each(['garbage', '</v2/a>, </v2/b>', '[/v2/library/nginx/tags/list?last=1]; rel="next"'])(
    'does not treat a list as complete if its Link is %j',
    async (link) => {
      const server = await startScriptedServer([{ request: `${list}?n=1000`, answer: page(['1'], link) }]);
      expect(await errorOf(listed(clientFor(server).listTags('library/nginx')))).toMatchObject({
        code: 'LINK_REFUSED',
        message: expect.stringContaining('can’t be parsed'),
      });
    },
  );

  it.each(['/v2/library/nginx/tags/list?last=1', '</v2/library/nginx/tags/list?last=1>'])(
    'continues with the Link %j',
    async (link) => {
      const server = await startScriptedServer([
        { request: `${list}?n=1000`, answer: page(['1'], link) },
        { request: `${list}?last=1`, answer: page(['2']) },
      ]);
      expect(await listed(clientFor(server).listTags('library/nginx'))).toEqual(['1', '2']);
    },
  );

  it('stops reading an endless page', async () => {
    const server = await startScriptedServer([
      {
        request: `${list}?n=1000`,
        answer: (response) => {
          const more = () => {
            while (!response.destroyed && response.write(' '.repeat(1_000_000)));
            response.once('drain', more);
          };
          more();
        },
      },
    ]);
    expect(await errorOf(listed(clientFor(server).listTags('library/nginx')))).toMatchObject({
      code: 'ANSWER_TOO_LARGE',
    });
  });
});

describe('referrers', () => {
  const subject = digestOf(Buffer.from('image'));
  const api = `GET /v2/a/referrers/${subject}`;
  const fallback = `GET /v2/a/manifests/${subject.replace(':', '-')}`;
  const signature = (name: string) => ({
    mediaType: mediaTypes.ociManifest,
    digest: digestOf(Buffer.from(name)),
    size: name.length,
    artifactType: 'application/vnd.example.signature',
  });
  const index = (...names: string[]) => ({
    status: 200,
    headers: { 'content-type': mediaTypes.ociIndex },
    body: JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: names.map(signature),
    }),
  });

  it('come from the API, page by page', async () => {
    const first = index('one', 'two');
    const server = await startScriptedServer([
      {
        request: api,
        headers: { accept: mediaTypes.ociIndex },
        answer: {
          ...first,
          headers: { ...first.headers, link: `</v2/a/referrers/${subject}?page=2>; rel="next"` },
        },
      },
      { request: `${api}?page=2`, answer: index('three') },
    ]);
    const found = await clientFor(server).referrers('a', subject);
    expect(found).toEqual(['one', 'two', 'three'].map(signature));
  });

  it.each([
    ['404', { status: 404 }],
    ['405, as ECR does (CR#2783)', { status: 405 }],
    ['400', { status: 400, body: { errors: [{ code: 'UNSUPPORTED' }] } }],
    ['a page for every path', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }],
  ])('come from the tag if the API answers %s', async (_, answer) => {
    const server = await startScriptedServer([
      { request: api, answer },
      { request: fallback, answer: index('one') },
    ]);
    expect(await clientFor(server).referrers('a', subject)).toEqual([signature('one')]);
  });

  it.each([
    ['once', false],
    ['once, by images that start together', true],
  ])('are requested from a registry without the API %s', async (_, together) => {
    const missing = { request: fallback, answer: { status: 404 } };
    const server = await startScriptedServer([
      { request: api, answer: { status: 404, body: '404 page not found' } },
      ...[missing, missing, missing],
    ]);
    const client = clientFor(server);
    const ask = () => client.referrers('a', subject);
    if (together) await Promise.all([ask(), ask(), ask()]);
    else for (const each of [ask, ask, ask]) expect(await each()).toEqual([]);
  });

  it.each(['MANIFEST_UNKNOWN', 'NAME_UNKNOWN'])(
    'are requested from the API again after %s, which says nothing about it',
    async (code) => {
      const server = await startScriptedServer([
        { request: api, answer: { status: 404, body: { errors: [{ code, message: 'no' }] } } },
        { request: fallback, answer: { status: 404 } },
        { request: api, answer: index('one') },
      ]);
      const client = clientFor(server);
      expect(await client.referrers('a', subject)).toEqual([]);
      expect(await client.referrers('a', subject)).toEqual([signature('one')]);
    },
  );

  it('are requested from the API again after a failure, which proves nothing', async () => {
    const server = await startScriptedServer([
      { request: api, answer: { status: 403 } },
      { request: api, answer: index('one') },
    ]);
    const client = clientFor(server);
    expect(await errorOf(client.referrers('a', subject))).toMatchObject({ code: 'DENIED' });
    expect(await client.referrers('a', subject)).toEqual([signature('one')]);
  });

  it('are none if there is neither', async () => {
    const server = await startScriptedServer([
      { request: api, answer: { status: 404 } },
      { request: fallback, answer: { status: 404 } },
    ]);
    expect(await clientFor(server).referrers('a', subject)).toEqual([]);
  });

  it.each([
    [403, 'DENIED'],
    [401, 'UNAUTHORIZED'],
  ])('are not assumed to be none when the registry answers %i', async (status, code) => {
    const server = await startScriptedServer([{ request: api, answer: { status } }]);
    expect(await errorOf(clientFor(server).referrers('a', subject))).toMatchObject({ code });
  });

  it('with a hostile Link are refused', async () => {
    const first = index('one');
    const server = await startScriptedServer([
      {
        request: api,
        answer: { ...first, headers: { ...first.headers, link: '<https://evil.example/x>; rel="next"' } },
      },
    ]);
    expect(await errorOf(clientFor(server).referrers('a', subject))).toMatchObject({ code: 'LINK_REFUSED' });
  });
});
