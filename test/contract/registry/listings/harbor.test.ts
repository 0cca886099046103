import { describe, expect, it } from 'vitest';
import type { TagApiChoice } from '../../../../core/registry/listings/tag-api.ts';
import { startScriptedServer } from '../../../support/scripted-server.ts';
import { basic, clientFor } from '../client-for.ts';
import { digest, tagsOf } from './listing.ts';

const artifacts = 'GET /api/v2.0/projects/acme/repositories/team%252Fapi/artifacts';
const pageOf = (number: number) => `${artifacts}?q=tags%3D*&with_tag=true&page_size=100&page=${number}`;
const project = 'GET /api/v2.0/projects/acme';
const plain = 'GET /v2/acme/team/api/tags/list?n=1000';
const ping = 'GET /v2/';
const ordinary = { request: project, answer: { status: 200, body: { name: 'acme', project_id: 2 } } };
const tagged = { request: plain, answer: { status: 200, body: { tags: ['1'] } } };

/** Artifacts with their tags. */
const page = (images: (string[] | null)[], link?: string) => ({
  status: 200,
  headers: (link === undefined ? {} : { link }) as Record<string, string>,
  body: images.map((tags, id) => ({
    id,
    digest: digest(tags?.[0] ?? ''),
    manifest_media_type: 'application/vnd.oci.image.index.v1+json',
    references: [{ child_digest: digest('a child'), platform: { architecture: 'amd64' } }],
    tags: tags?.map((name) => ({ name, immutable: false, artifact_id: id })) ?? null,
  })),
});
const next = `<${artifacts.slice(4)}?page=2>; rel="next"`;

async function run(options: Parameters<typeof clientFor>[1] = {}) {
  const server = await startScriptedServer();
  const failures: string[] = [];
  const client = clientFor(server, {
    tagApi: { kind: 'harbor' },
    onTagApiFailed: ({ code }) => failures.push(code),
    ...options,
  });
  return { server, failures, client, list: () => tagsOf(client, 'acme/team/api') };
}

describe('Harbor’s API', () => {
  it('lists the tags of artifacts with digests, page by page', async () => {
    const { server, list } = await run();
    server.expect(
      ordinary,
      { request: pageOf(1), headers: { authorization: null }, answer: page([['1', 'latest'], null], next) },
      { request: pageOf(2), answer: page([['2']], '<x?page=1>; rel="prev"') },
    );
    expect(await list()).toEqual([
      { tag: '1', digest: digest('1') },
      { tag: 'latest', digest: digest('1') },
      { tag: '2', digest: digest('2') },
    ]);
  });

  it('continues after a full page without a Link', async () => {
    const { server, list } = await run();
    const full = Array.from({ length: 100 }, (_, n) => [`${n}`]);
    server.expect(
      ordinary,
      { request: pageOf(1), answer: page(full) },
      { request: pageOf(2), answer: page([]) },
    );
    expect(await list()).toHaveLength(100);
  });

  it('is completed by tags/list if it has more artifacts than were read', async () => {
    const { server, list, failures } = await run();
    const { headers, ...answer } = page([['2']]);
    const counted = { ...answer, headers: { ...headers, 'x-total-count': '2' } };
    server.expect(ordinary, { request: pageOf(1), answer: counted }, tagged);
    expect(await list()).toEqual([{ tag: '2', digest: digest('2') }, { tag: '1' }]);
    expect(failures).toEqual(['LIST_CHANGED']);
  });

  it('gets the credentials with the first request, and asks once about the project', async () => {
    const { server, list } = await run({
      credentials: async () => ({ username: 'robot$acme+r', password: 'hunter22' }),
    });
    const headers = { authorization: basic('robot$acme+r', 'hunter22') };
    const listed = { request: pageOf(1), headers, answer: page([['1']]) };
    server.expect({ ...ordinary, headers }, listed, listed);
    await list();
    expect(await list()).toEqual([{ tag: '1', digest: digest('1') }]);
  });

  it('gets new credentials when it rejects the old ones', async () => {
    let reads = 0;
    const { server, list } = await run({
      credentials: async () => {
        reads += 1;
        return { username: 'u', password: `password-${reads}` };
      },
    });
    const headers = (n: number) => ({ authorization: basic('u', `password-${n}`) });
    server.expect(
      { request: project, headers: headers(1), answer: { status: 401 } },
      { ...ordinary, headers: headers(2) },
      { request: pageOf(1), headers: headers(2), answer: page([['1']]) },
    );
    expect(await list()).toEqual([{ tag: '1', digest: digest('1') }]);
  });

  it('is not asked about a proxy cache, whose artifacts are not all tags', async () => {
    const { server, list, failures } = await run();
    const cache = { name: 'acme', project_id: 3, registry_id: 1 };
    server.expect({ request: project, answer: { status: 200, body: cache } }, tagged, tagged);
    expect(await list()).toEqual([{ tag: '1' }]);
    expect(await list()).toEqual([{ tag: '1' }]);
    expect(failures).toEqual([]);
  });

  it.each([
    ['a refusal to tell of the project', [{ request: project, answer: { status: 403 } }], 'DENIED'],
    [
      'another project',
      [{ request: project, answer: { status: 200, body: { name: 'x' } } }],
      'ANSWER_INVALID',
    ],
    ['a refusal to list', [ordinary, { request: pageOf(1), answer: { status: 401 } }], 'UNAUTHORIZED'],
    [
      'something else than a list',
      [ordinary, { request: pageOf(1), answer: { status: 200, body: { tags: [] } } }],
      'ANSWER_INVALID',
    ],
  ])('is replaced by tags/list after %s', async (_, steps, code) => {
    const { server, list, failures } = await run();
    server.expect(...steps, tagged);
    expect(await list()).toEqual([{ tag: '1' }]);
    expect(failures).toEqual([code]);
  });

  it('is not asked for a repository without a project', async () => {
    const { server, client } = await run();
    server.expect({ ...tagged, request: 'GET /v2/api/tags/list?n=1000' });
    expect(await tagsOf(client, 'api')).toEqual([{ tag: '1' }]);
  });
});

describe('a registry that may be a Harbor', () => {
  const tagApi: TagApiChoice = { kind: 'detect' };
  const challenge = (service: string) => ({
    status: 401,
    headers: { 'www-authenticate': `Bearer realm="https://r.example/service/token",service="${service}"` },
  });

  it('is one by its challenge, and is asked once', async () => {
    const { server, list } = await run({ tagApi });
    const listed = { request: pageOf(1), answer: page([['1']]) };
    server.expect(
      { request: ping, headers: { authorization: null }, answer: challenge('harbor-registry') },
      ordinary,
      listed,
      listed,
    );
    await list();
    expect(await list()).toEqual([{ tag: '1', digest: digest('1') }]);
  });

  it.each([
    ['another challenge', challenge('registry.example')],
    ['no challenge', { status: 401 }],
    ['anybody’s access', { status: 200 }],
    ['not found', { status: 404 }],
  ])('is none with %s, and is not asked again', async (_, answer) => {
    const { server, list } = await run({ tagApi });
    server.expect({ request: ping, answer }, tagged, tagged);
    await list();
    expect(await list()).toEqual([{ tag: '1' }]);
  });

  it.each([503, 429])('is asked again after %i, which says nothing', async (status) => {
    const { server, list } = await run({ tagApi });
    server.expect(
      { request: ping, answer: { status } },
      tagged,
      { request: ping, answer: { status: 404 } },
      tagged,
    );
    await list();
    expect(await list()).toEqual([{ tag: '1' }]);
  });
});
