import { describe, expect, it } from 'vitest';
import { startScriptedServer } from '../../../support/scripted-server.ts';
import { clientFor, errorOf } from '../client-for.ts';
import { digest, tagsOf } from './listing.ts';

const pageOf = (number: number) =>
  `GET /api/v1/repository/acme/api/tag/?onlyActiveTags=true&limit=100&page=${number}`;
const plain = 'GET /v2/acme/api/tags/list?n=1000';

/** As Quay answers: https://github.com/quay/quay/blob/master/endpoints/api/tag.py */
const page = (names: string[], more: boolean) => ({
  status: 200,
  body: {
    tags: names.map((name) => ({
      name,
      reversion: false,
      start_ts: 1_717_680_780,
      manifest_digest: digest(name),
      is_manifest_list: true,
      size: null,
      last_modified: 'Thu, 06 Jun 2024 13:33:00 -0000',
    })),
    page: 1,
    has_additional: more,
  },
});

async function run(options: Parameters<typeof clientFor>[1] = {}) {
  const server = await startScriptedServer();
  const failures: string[] = [];
  const client = clientFor(server, {
    tagApi: { kind: 'quay' },
    onTagApiFailed: ({ code }) => failures.push(code),
    ...options,
  });
  return { server, failures, list: () => tagsOf(client, 'acme/api') };
}

describe('Quay’s API', () => {
  it('lists tags with digests, page by page', async () => {
    const { server, list } = await run();
    server.expect(
      { request: pageOf(1), headers: { authorization: null }, answer: page(['1', '2'], true) },
      { request: pageOf(2), answer: page(['3'], false) },
    );
    expect(await list()).toEqual(['1', '2', '3'].map((tag) => ({ tag, digest: digest(tag) })));
  });

  it('is asked without the credentials, which it does not accept', async () => {
    const credentials = async () => ({ username: 'acme+robot', password: 'hunter22' });
    const { server, list, failures } = await run({ credentials });
    const authorization = `Basic ${Buffer.from('acme+robot:hunter22').toString('base64')}`;
    server.expect(
      { request: pageOf(1), headers: { authorization: null }, answer: { status: 401 } },
      {
        request: plain,
        headers: { authorization: null },
        answer: { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
      },
      { request: plain, headers: { authorization }, answer: { status: 200, body: { tags: ['1'] } } },
    );
    expect(await list()).toEqual([{ tag: '1' }]);
    expect(failures).toEqual(['UNAUTHORIZED']);
  });

  it.each([
    ['a list without has_additional', { tags: [] }],
    ['another list', { results: [], next: null }],
    ['null', null],
    ['tags as an object, as in Quay’s webhooks', { tags: { latest: 'x' }, has_additional: false }],
  ])('is replaced by tags/list if it answers %s', async (_, body) => {
    const { server, list, failures } = await run();
    server.expect(
      { request: pageOf(1), answer: { status: 200, body: JSON.stringify(body) } },
      { request: plain, answer: { status: 200, body: { tags: ['1'] } } },
    );
    expect(await list()).toEqual([{ tag: '1' }]);
    expect(failures).toEqual(['ANSWER_INVALID']);
  });

  it('leaves out what is not a tag', async () => {
    const { server, list } = await run();
    const tags = [null, 7, {}, { name: 1 }, { name: '../x', manifest_digest: digest('x') }, { name: 'ok' }];
    server.expect({ request: pageOf(1), answer: { status: 200, body: { tags, has_additional: false } } });
    expect(await list()).toEqual([{ tag: 'ok' }]);
  });

  it('ends with an empty page, whatever it says about more', async () => {
    const { server, list } = await run();
    server.expect(
      { request: pageOf(1), answer: page(['1'], true) },
      { request: pageOf(2), answer: page([], true) },
    );
    expect(await list()).toEqual([{ tag: '1', digest: digest('1') }]);
  });

  it('fails by its rate limit after some attempts', async () => {
    const { server, list } = await run();
    const limited = {
      request: pageOf(1),
      answer: { status: 429, body: '<html>429 Too Many Requests</html>' },
    };
    server.expect(limited, limited, limited, limited);
    expect(await errorOf(list())).toMatchObject({ status: 429, retry: { kind: 'rate-limit' } });
  });

  it('closes the registry, on whose host it is, by a rate limit with a time', async () => {
    const closed: number[] = [];
    const { server, list } = await run({ onClosed: (ms) => closed.push(ms) });
    server.expect({ request: pageOf(1), answer: { status: 429, headers: { 'retry-after': '7200' } } });
    expect(await errorOf(list())).toMatchObject({ retryAfterMs: 7_200_000 });
    expect(closed).toEqual([7_200_000]);
  });
});
