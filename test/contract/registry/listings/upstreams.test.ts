import { expect, it } from 'vitest';
import type { Upstream } from '../../../../core/config/config.ts';
import { Upstreams } from '../../../../lambda/shared/upstreams.ts';
import { startScriptedServer } from '../../../support/scripted-server.ts';
import { errorOf } from '../client-for.ts';

const list = 'GET /v2/team/app/tags/list?n=1000';

it('lists an upstream with a written endpoint by tags/list alone, and closes it by its rate limit', async () => {
  const server = await startScriptedServer([
    { request: list, answer: { status: 200, body: { tags: ['1', '2'] } } },
    { request: list, answer: { status: 429, headers: { 'retry-after': '7200' } } },
  ]);
  const upstream: Upstream = {
    registry: 'docker.io',
    endpoint: server.origin,
    authHosts: [],
    redirectHosts: [],
    webhooks: [],
    repositories: [],
  };
  const closed: string[] = [];
  const config = { upstreams: [upstream] };
  const upstreams = new Upstreams({
    config,
    upstreamGate: { close: async (registry: string) => void closed.push(registry) },
    secrets: {},
  } as unknown as ConstructorParameters<typeof Upstreams>[0]);
  const { signal } = new AbortController();
  const tags = async () => {
    const all = [];
    for await (const each of upstreams.listTags(upstream, 'team/app', signal)) all.push(each);
    return all;
  };
  expect(await tags()).toEqual([{ tag: '1' }, { tag: '2' }]);
  expect(await errorOf(tags())).toMatchObject({ status: 429, registry: 'docker.io' });
  expect(closed).toEqual(['docker.io']);
});
