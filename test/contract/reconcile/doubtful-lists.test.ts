import { describe, expect, it } from 'vitest';
import type { MappingStore } from '../../../core/mapping/store.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { reconcileRepository } from '../../../core/reconcile/reconcile-repository.ts';
import { QueueRoom } from '../../../core/reconcile/room.ts';
import { upstreamLists } from '../../../lambda/reconcile/upstream-lists.ts';
import type { Upstreams } from '../../../lambda/shared/upstreams.ts';
import { MemoryReconcile, rulesConfig } from '../../support/memory-reconcile.ts';
import { type ScriptedStep, startScriptedServer } from '../../support/scripted-server.ts';
import { clientFor } from '../registry/client-for.ts';

const config = rulesConfig('{ match: "acme/*", deleted: unmap }');
const list = '/v2/acme/app/tags/list';
const digest = digestOf(Buffer.from('mapped'));
const page = (query: string, tags: unknown, next?: string): ScriptedStep => ({
  request: `GET ${list}?${query}`,
  answer: {
    status: 200,
    headers: next === undefined ? {} : { link: `<${next}>; rel="next"` },
    body: { name: 'acme/app', tags },
  },
});
const first = page('n=1000', ['a'], `${list}?n=1000&last=a`);
const second = page('n=1000&last=a', ['b'], `${list}?n=1000&last=b`);
const whole = page('n=1000', ['a', 'b']);
const asked = (method: string, status: number, body: string | object = ''): ScriptedStep => ({
  request: `${method} /v2/acme/app/manifests/mapped`,
  answer: { status, body },
});
const gone = { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] };
const webPage = '<!doctype html><html><title>404 Not Found</title></html>';
const answers = (query: string, status: number, body: string | object): ScriptedStep => ({
  request: `GET ${list}?${query}`,
  answer: { status, headers: { 'content-type': 'application/json' }, body },
});

/**
 * Compares a repository whose tag `mapped` no list here has: by its absence alone, its mapping
 * would go.
 */
async function compare(steps: ScriptedStep[]) {
  const server = await startScriptedServer(steps);
  const client = clientFor(server, { retry: { attempts: 1 } });
  const memory = new MemoryReconcile(config);
  const base = memory.dependencies();
  const unmapped: string[] = [];
  const mapping = { digest, sourceDigest: digest, mirrorRepository: 'mirror/ghcr.io/acme/app', pin: false };
  const mappings: Partial<MappingStore> = {
    raiseEvent: async () => 1,
    upstreamOf: async () => undefined,
    async *mappedTags() {
      yield { tag: 'mapped', ...mapping };
    },
    acquireLease: async () =>
      ({ fence: 1, state: { revision: 1, mapping } }) as Awaited<ReturnType<MappingStore['acquireLease']>>,
    renewLease: async () => true,
    releaseLease: async () => {},
    unmap: async ({ reference }) => unmapped.push(reference),
    registryHosts: async () => ({}),
    retireDigest: async () => true,
  };
  const upstreams = upstreamLists({
    client: () => client,
    listTags: (_upstream, repository, signal) => client.listTagsWithDigests(repository, { signal }),
  } as Pick<Upstreams, 'client' | 'listTags'> as Upstreams);
  const deps = { ...base, mappings: mappings as MappingStore, upstreams };
  const [upstream] = config.upstreams;
  const rule = upstream?.repositories[0];
  if (!upstream || !rule) throw new Error('no rule');
  const done = await reconcileRepository(
    { upstream, repository: 'acme/app', rule, queued: 0 },
    { deps, room: new QueueRoom(deps), note: async () => {} },
    { endsAt: memory.now.getTime() + 60_000, signal: new AbortController().signal },
  ).then(
    (progress) => progress.kind,
    (error: { code?: string }) => error.code,
  );
  return { done, unmapped, warnings: memory.warnings };
}

describe('a list that can’t be relied on', () => {
  it.each<[what: string, code: string, steps: ScriptedStep[]]>([
    ['fails on its third page', 'UNAVAILABLE', [first, second, answers('n=1000&last=b', 503, '')]],
    [
      'breaks off',
      'CONNECTION',
      [
        first,
        {
          request: `GET ${list}?n=1000&last=a`,
          answer(response) {
            response.writeHead(200, { 'content-type': 'application/json', 'content-length': '900' });
            response.write('{"tags":["b"', () => response.destroy());
          },
        },
      ],
    ],
    ['is cut short as a text', 'ANSWER_INVALID', [answers('n=1000', 200, '{"name":"acme/app","tags":["a",')]],
    ['is empty bytes', 'ANSWER_INVALID', [answers('n=1000', 200, '')]],
    ['has no list', 'ANSWER_INVALID', [answers('n=1000', 200, { name: 'acme/app' })]],
    ['runs in circles', 'LINK_REFUSED', [first, page('n=1000&last=a', ['b'], `${list}?n=1000`)]],
    [
      'goes on elsewhere',
      'LINK_REFUSED',
      [page('n=1000', ['a'], 'https://evil.example/v2/acme/app/tags/list')],
    ],
    [
      'goes on nobody knows where',
      'LINK_REFUSED',
      [
        {
          request: `GET ${list}?n=1000`,
          answer: { status: 200, headers: { link: '<<>>' }, body: { tags: ['a'] } },
        },
      ],
    ],
    ['is a web page', 'ANSWER_INVALID', [answers('n=1000', 200, webPage)]],
    ['is a proxy’s 404', 'NAME_UNKNOWN', [answers('n=1000', 404, webPage)]],
    ['is a registry’s 404', 'NAME_UNKNOWN', [answers('n=1000', 404, { errors: [{ code: 'NAME_UNKNOWN' }] })]],
    ['needs a login', 'DENIED', [answers('n=1000', 403, { errors: [{ code: 'DENIED' }] })]],
  ])('because it %s removes nothing: not even the tag is asked for', async (_, code, steps) => {
    expect(await compare(steps)).toMatchObject({ done: code, unmapped: [] });
  });

  it.each<[what: string, done: string, steps: ScriptedStep[]]>([
    ['the tag is there', 'done', [whole, asked('HEAD', 200)]],
    ['the tag is there, to GET', 'done', [whole, asked('HEAD', 404), asked('GET', 200, '{}')]],
    ['a proxy says that it is not', 'done', [whole, asked('HEAD', 404), asked('GET', 404, webPage)]],
    ['nobody says why it is not', 'done', [whole, asked('HEAD', 404), asked('GET', 404)]],
    ['the registry fails', 'UNAVAILABLE', [whole, asked('HEAD', 503)]],
    ['the registry fails at GET', 'UNAVAILABLE', [whole, asked('HEAD', 404), asked('GET', 503)]],
    ['the list is empty', 'done', [page('n=1000', []), asked('HEAD', 200)]],
    ['the list is null', 'done', [page('n=1000', null), asked('HEAD', 200)]],
  ])('because it lacks a tag removes nothing if %s', async (_, done, steps) => {
    expect(await compare(steps)).toMatchObject({ done, unmapped: [] });
  });

  it('says that a mapping stays, since nobody knows', async () => {
    const { warnings } = await compare([whole, asked('HEAD', 404), asked('GET', 404, webPage)]);
    expect(warnings).toEqual(['whether a tag was deleted upstream is not known: its mapping stays']);
  });

  it('is none if it is complete, and the registry itself says that the tag is gone', async () => {
    const steps = [whole, asked('HEAD', 404), asked('GET', 404, gone)];
    expect(await compare(steps)).toMatchObject({ done: 'done', unmapped: ['mapped'] });
  });
});
