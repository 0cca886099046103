import { describe, expect, it } from 'vitest';
import { RegistryClient } from '../../../core/registry/client.ts';
import { startRegistry } from '../../../local/ecr/server.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { pushImage, seededImage } from '../../support/seeded-image.ts';
import { basic, clientFor, errorOf, listed } from './client-for.ts';

describe('listRepositories', () => {
  const list = 'GET /v2/_catalog';
  const page = (repositories: unknown, link?: string) => ({
    status: 200,
    headers: (link === undefined ? {} : { link }) as Record<string, string>,
    body: { repositories },
  });

  it('reads page after page', async () => {
    const server = await startScriptedServer();
    server.expect(
      { request: `${list}?n=1000`, answer: page(['a', 'b/c'], '</v2/_catalog?last=b%2Fc>; rel="next"') },
      { request: `${list}?last=b%2Fc`, answer: page(['d']) },
    );
    expect(await listed(clientFor(server).listRepositories())).toEqual(['a', 'b/c', 'd']);
  });

  it.each([
    ['null, as Go writes an empty list', null, []],
    ['what is not a repository left out', ['ok/x', '../up', 'UP', '', 7, 'a'.repeat(256)], ['ok/x']],
  ])('returns from a list with %s %j', async (_, repositories, expected) => {
    const server = await startScriptedServer([{ request: `${list}?n=1000`, answer: page(repositories) }]);
    expect(await listed(clientFor(server).listRepositories())).toEqual(expected);
  });

  it('leaves out n if it is refused, and still lists tags with it', async () => {
    const tags = 'GET /v2/a/tags/list?n=1000';
    const server = await startScriptedServer([
      { request: `${list}?n=1000`, answer: { status: 400 } },
      { request: list, answer: page(['a']) },
      { request: list, answer: page(['b']) },
      { request: tags, answer: { status: 200, body: { tags: ['1'] } } },
    ]);
    const client = clientFor(server);
    expect(await listed(client.listRepositories())).toEqual(['a']);
    expect(await listed(client.listRepositories())).toEqual(['b']);
    expect(await listed(client.listTags('a'))).toEqual(['1']);
  });

  it.each([
    [401, 'UNAUTHORIZED'],
    [403, 'DENIED'],
    [404, 'UNSUPPORTED'],
  ])('is refused with %i, in words that name no repository', async (status, code) => {
    const server = await startScriptedServer([{ request: `${list}?n=1000`, answer: { status } }]);
    const error = await errorOf(listed(clientFor(server).listRepositories()));
    expect(error).toMatchObject({ code, status, repository: undefined });
    expect(error.message).toContain('list repositories: ');
  });

  it.each([
    ['tags instead', { status: 200, body: { tags: ['1'] } }, 'ANSWER_INVALID', 'not a list of repositories'],
    ['a web page', { status: 200, body: '<html>' }, 'ANSWER_INVALID', ''],
    [
      'a Link to another host',
      page(['a'], '<https://evil.example/v2/_catalog>; rel="next"'),
      'LINK_REFUSED',
      '',
    ],
  ])('refuses %s', async (_, answer, code, message) => {
    const server = await startScriptedServer([{ request: `${list}?n=1000`, answer }]);
    const error = await errorOf(listed(clientFor(server).listRepositories()));
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(message);
  });

  it('requests a token for the catalog', async () => {
    const credentials = { username: 'u', password: 'hunter22' };
    await using registry = await startRegistry({ flavour: 'distribution', credentials, tokens: {} });
    const { endpoint, host } = registry;
    const answer = await fetch(`${endpoint}/token?scope=repository:b/c:pull,push`, {
      headers: { authorization: basic('u', 'hunter22') },
    });
    const { token } = (await answer.json()) as { token: string };
    const image = seededImage({ seed: 'catalog', layers: [{ size: 500 }] });
    await pushImage(endpoint, 'b/c', '1', image, { authorization: `Bearer ${token}` });
    const options = { registry: host, endpoint, side: 'upstream' } as const;
    await using known = new RegistryClient({ ...options, credentials: async () => credentials });
    await using anybody = new RegistryClient(options);
    expect(await listed(known.listRepositories())).toEqual(['b/c']);
    expect(await errorOf(listed(anybody.listRepositories()))).toMatchObject({ code: 'UNAUTHORIZED' });
    expect(await listed(anybody.listTags('b/c'))).toEqual(['1']);
  });

  it('is answered by the embedded registries, in pages', async () => {
    await using registry = await startRegistry({ flavour: 'distribution' });
    const image = seededImage({ seed: 'catalog', layers: [{ size: 500 }] });
    for (const name of ['c', 'a/b', 'b']) await pushImage(registry.endpoint, name, '1', image);
    const { host, endpoint } = registry;
    await using client = new RegistryClient({ registry: host, endpoint, side: 'upstream' });
    expect(await listed(client.listRepositories({ pageSize: 2 }))).toEqual(['a/b', 'b', 'c']);
    expect(registry.requests.map(({ path }) => path).filter((path) => path === '/v2/_catalog')).toHaveLength(
      2,
    );
    const post = await fetch(`${endpoint}/v2/_catalog`, { method: 'POST' });
    expect(post.status).toBe(405);
  });
});
