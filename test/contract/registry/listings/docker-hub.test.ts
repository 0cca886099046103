import { describe, expect, it } from 'vitest';
import { type ScriptedServer, startScriptedServer } from '../../../support/scripted-server.ts';
import { clientFor, errorOf } from '../client-for.ts';
import { digest, tagsOf } from './listing.ts';

const pageOf = (number: number) =>
  `GET /v2/namespaces/library/repositories/nginx/tags?page_size=100&page=${number}`;
const login = 'POST /v2/auth/token';
const plain = 'GET /v2/library/nginx/tags/list?n=1000';
const credentials = async () => ({ username: 'u', password: 'hunter22' });
const loginBody = '{"identifier":"u","secret":"hunter22"}';

/** As Docker Hub answers, with much beside what is read. */
const page = (results: object[], next: string | null = null, count = results.length) => ({
  status: 200,
  headers: { 'x-ratelimit-limit': '180', 'x-ratelimit-remaining': '179' },
  body: {
    count,
    next,
    previous: null,
    results: results.map((result, id) => ({
      creator: 1,
      id,
      images: [{ architecture: 'amd64', digest: digest('a child'), os: 'linux', size: 1 }],
      tag_status: 'active',
      media_type: 'application/vnd.oci.image.index.v1+json',
      ...result,
    })),
  },
});
const listOf = (...tags: string[]) => ({ status: 200, body: { name: 'library/nginx', tags } });

/** A registry, and the API beside it. */
async function run(options: Parameters<typeof clientFor>[1] = {}) {
  const [registry, hub] = [await startScriptedServer(), await startScriptedServer()];
  const failures: string[] = [];
  const closed: number[] = [];
  const client = clientFor(registry, {
    tagApi: { kind: 'docker-hub', endpoint: hub.origin },
    onTagApiFailed: ({ code }) => failures.push(code),
    onClosed: (ms) => closed.push(ms),
    ...options,
  });
  return { registry, hub, client, failures, closed, list: () => tagsOf(client, 'library/nginx') };
}

describe('Docker Hub’s API', () => {
  it('lists tags with the digests of their indexes, page by page', async () => {
    const { hub, list } = await run();
    hub.expect(
      {
        request: pageOf(1),
        headers: { accept: 'application/json', authorization: null },
        answer: page(
          [
            { name: '1', digest: digest('1') },
            { name: '2', digest: digest('2') },
          ],
          'x',
          4,
        ),
      },
      {
        request: pageOf(2),
        answer: page([{ name: 'ancient' }, { name: 'odd', digest: 'sha256:1' }], null, 4),
      },
    );
    expect(await list()).toEqual([
      { tag: '1', digest: digest('1') },
      { tag: '2', digest: digest('2') },
      { tag: 'ancient' },
      { tag: 'odd' },
    ]);
  });

  it('asks for no page that nobody reads', async () => {
    const { hub, client } = await run();
    hub.expect({ request: pageOf(1), answer: page([{ name: '1' }], 'x') });
    for await (const { tag } of client.listTagsWithDigests('library/nginx')) {
      expect(tag).toBe('1');
      break;
    }
  });

  it('never follows the address that the answer names', async () => {
    const evil = await startScriptedServer();
    const { hub, list } = await run();
    hub.expect(
      { request: pageOf(1), answer: page([{ name: '1' }], `${evil.origin}/v2/next`, 2) },
      { request: pageOf(2), answer: page([{ name: '2' }], null, 2) },
    );
    expect(await list()).toEqual([{ tag: '1' }, { tag: '2' }]);
  });

  it('logs in once, and sends the credentials to the API only', async () => {
    const { hub, list } = await run({ credentials });
    const listed = (authorization: string) => ({
      request: pageOf(1),
      headers: { authorization },
      answer: page([{ name: '1' }]),
    });
    hub.expect(
      {
        request: login,
        body: loginBody,
        headers: { authorization: null, 'content-type': 'application/json' },
        answer: { status: 200, body: { access_token: 'abc.def' } },
      },
      listed('Bearer abc.def'),
      listed('Bearer abc.def'),
    );
    await list();
    expect(await list()).toEqual([{ tag: '1' }]);
  });

  it('logs in again when its token has expired', async () => {
    const { hub, list } = await run({ credentials });
    const token = (name: string) => ({
      request: login,
      body: loginBody,
      answer: { status: 200, body: { access_token: name } },
    });
    hub.expect(
      token('first'),
      { request: pageOf(1), headers: { authorization: 'Bearer first' }, answer: { status: 401 } },
      token('second'),
      { request: pageOf(1), headers: { authorization: 'Bearer second' }, answer: page([{ name: '1' }]) },
    );
    expect(await list()).toEqual([{ tag: '1' }]);
  });

  it('lists anonymously if the login is rejected', async () => {
    const { hub, list, failures } = await run({ credentials });
    const anybody = { request: pageOf(1), headers: { authorization: null }, answer: page([{ name: '1' }]) };
    hub.expect({ request: login, body: loginBody, answer: { status: 401 } }, anybody, anybody);
    expect(await list()).toEqual([{ tag: '1' }]);
    expect(await list()).toEqual([{ tag: '1' }]);
    expect(failures).toEqual([]);
  });

  it('never shows the password, even if the API repeats it', async () => {
    const { hub, registry, client, list } = await run({ credentials });
    const body = { errors: [{ code: 'BAD', message: 'hunter22 is too short' }] };
    hub.expect(
      { request: login, body: loginBody, answer: { status: 503, body } },
      { request: login, body: loginBody, answer: { status: 429, headers: { 'retry-after': '7200' }, body } },
    );
    expect(client.registry).toBe('r.example');
    const error = await errorOf(list());
    expect(error).toMatchObject({ status: 429, operation: 'log in to Docker Hub’s API' });
    expect(JSON.stringify([error.message, error.reason, error.remedy])).not.toContain('hunter22');
    expect(registry.requests).toEqual([]);
  });

  it.each([
    ['a private repository', { status: 404, body: { message: 'not found' } }, 'NAME_UNKNOWN'],
    ['a web page', { status: 200, body: '<html>' }, 'ANSWER_INVALID'],
    ['no list', { status: 200, body: { results: 'all', next: null } }, 'ANSWER_INVALID'],
    ['no word about a next page', { status: 200, body: { results: [] } }, 'ANSWER_INVALID'],
    ['a server error, twice', { status: 503 }, 'UNAVAILABLE'],
    ['17 MiB', { status: 200, body: ' '.repeat(17 * 1024 * 1024) }, 'ANSWER_TOO_LARGE'],
  ])('is replaced by tags/list if it answers %s', async (_, answer, code) => {
    const { hub, registry, list, failures } = await run();
    const step = { request: pageOf(1), answer };
    hub.expect(step, ...(answer.status === 503 ? [step] : []));
    registry.expect({ request: plain, answer: listOf('1', '2') });
    expect(await list()).toEqual([{ tag: '1' }, { tag: '2' }]);
    expect(failures).toEqual([code]);
  });

  it('is continued by tags/list if it fails halfway', async () => {
    const { hub, registry, list, failures } = await run();
    hub.expect(
      { request: pageOf(1), answer: page([{ name: '2', digest: digest('2') }], 'x') },
      { request: pageOf(2), answer: { status: 400 } },
    );
    registry.expect({ request: plain, answer: listOf('1', '2', '3') });
    expect(await list()).toEqual([{ tag: '2', digest: digest('2') }, { tag: '1' }, { tag: '3' }]);
    expect(failures).toEqual(['REFUSED']);
  });

  it.each([
    // 1 was deleted, and 3 moved to the first page.
    ['a tag was deleted', page([{ name: '4' }], null, 3)],
    // 4 was pushed again, and the first page, where it is now, has been read.
    ['a tag was moved', page([{ name: '2' }, { name: '3' }], null, 4)],
  ])('is completed by tags/list if %s meanwhile', async (_, second) => {
    const { hub, registry, list, failures } = await run();
    hub.expect(
      { request: pageOf(1), answer: page([{ name: '1' }, { name: '2' }], 'x', 4) },
      { request: pageOf(2), answer: second },
    );
    registry.expect({ request: plain, answer: listOf('2', '3', '4') });
    const listed = (await list()).map(({ tag }) => tag);
    expect(listed).toHaveLength(4);
    expect(listed.sort()).toEqual(['1', '2', '3', '4']);
    expect(failures).toEqual(['LIST_CHANGED']);
  });

  it('lists a tag once that moved to a later page, since another one was pushed', async () => {
    const { hub, registry, list, failures } = await run();
    hub.expect(
      { request: pageOf(1), answer: page([{ name: '1', digest: digest('1') }], 'x', 2) },
      { request: pageOf(2), answer: page([{ name: '1', digest: digest('1') }, { name: '2' }], null, 3) },
    );
    registry.expect({ request: plain, answer: listOf('1', '2', 'new') });
    expect(await list()).toEqual([{ tag: '1', digest: digest('1') }, { tag: '2' }, { tag: 'new' }]);
    expect(failures).toEqual(['LIST_CHANGED']);
  });

  it('is not believed when it knows no tags', async () => {
    const { hub, registry, list } = await run();
    hub.expect({ request: pageOf(1), answer: page([]) });
    registry.expect({ request: plain, answer: listOf('1') });
    expect(await list()).toEqual([{ tag: '1' }]);
  });

  it('is asked again after it refused a repository, and not after it failed altogether', async () => {
    const { hub, registry, list } = await run();
    const refused = { request: pageOf(1), answer: { status: 404 } };
    hub.expect(refused, refused, { request: pageOf(1), answer: { status: 200, body: 'down' } });
    registry.expect(...Array.from({ length: 4 }, () => ({ request: plain, answer: listOf('1') })));
    for (let n = 0; n < 4; n += 1) expect(await list()).toEqual([{ tag: '1' }]);
  });

  it.each([
    ['Retry-After', { 'retry-after': '7200' }],
    ['X-Retry-After, a time', { 'x-retry-after': `${Math.floor(Date.now() / 1_000) + 7_200}` }],
  ])(
    'fails by its rate limit with %s, does not close the registry, and asks nothing else',
    async (_, headers) => {
      const { hub, registry, list, closed } = await run();
      hub.expect({ request: pageOf(1), answer: { status: 429, headers } });
      const error = await errorOf(list());
      expect(error).toMatchObject({ code: 'TOOMANYREQUESTS', retry: { kind: 'rate-limit' } });
      expect(error.retryAfterMs).toBeGreaterThan(7_000_000);
      expect(error.registry, 'it is not the registry’s').toBe(new URL(hub.origin).host);
      expect(closed).toEqual([]);
      expect(registry.requests).toEqual([]);
    },
  );

  it('waits out a short limit in place, and does not close the registry', async () => {
    const { hub, list, closed } = await run();
    hub.expect(
      { request: pageOf(1), answer: { status: 429, headers: { 'retry-after': '1' } } },
      { request: pageOf(1), answer: page([{ name: '1' }]) },
    );
    expect(await list()).toEqual([{ tag: '1' }]);
    expect(closed).toEqual([]);
  });

  it.each(['nginx', 'a/b/c'])('is not asked for %s, which Docker Hub can’t have', async (repository) => {
    const { registry, client } = await run();
    registry.expect({ request: `GET /v2/${repository}/tags/list?n=1000`, answer: listOf('1') });
    expect(await tagsOf(client, repository)).toEqual([{ tag: '1' }]);
  });

  it('is not asked for what is not a repository', async () => {
    const { client, hub } = await run();
    await expect(tagsOf(client, '../../v2/users')).rejects.toThrow('not a repository name');
    expect(hub.requests).toEqual([]);
  });

  it('lists 5,000 tags with 50 requests', async () => {
    const { hub, list } = await run();
    const names = (number: number) =>
      Array.from({ length: 100 }, (_, n) => ({ name: `${number}.${n}`, digest: digest(`${n}`) }));
    expectPages(hub, 50, names);
    const listed = await list();
    expect(listed).toHaveLength(5_000);
    expect(listed.every((each) => each.digest !== undefined)).toBe(true);
    expect(hub.requests).toHaveLength(50);
  });
});

function expectPages(hub: ScriptedServer, pages: number, names: (number: number) => object[]): void {
  for (let number = 1; number <= pages; number += 1)
    hub.expect({
      request: pageOf(number),
      answer: page(names(number), number === pages ? null : 'x', pages * 100),
    });
}
