import { describe, expect, it } from 'vitest';
import { openTarget } from '../../../../cli/sync/target.ts';
import { configOf } from '../../mirror-yaml/config-text.ts';

const config = configOf(`
version: 1
mirror: { regions: [eu-west-1], repositoryPrefix: mirror }
upstreams:
  - { registry: docker.io, repositories: [{ match: "**" }] }
  - { registry: ghcr.io, credentials: { secret: ghcr }, repositories: [{ match: "acme/**" }] }
`);

describe('where an image may mount layers from', () => {
  const mayMount = async (upstream: string, knowsLogins: boolean) => {
    const to = { registry: 'mirror.example', prefix: 'yard' };
    const target = await openTarget(config, { to, dstPlainHttp: false }, new AbortController().signal);
    await using _ = target.client;
    const may = target.mayMountFor(upstream, knowsLogins);
    return ['yard/docker.io/library/nginx', 'yard/ghcr.io/acme/app', 'other/docker.io/a'].map(may);
  };

  it('is its own upstream, and upstreams that need no login', async () => {
    expect(await mayMount('docker.io', true)).toEqual([true, false, false]);
    expect(await mayMount('ghcr.io', true)).toEqual([true, true, false]);
  });

  it('is its own upstream alone if this user’s logins are used, which may be for any', async () => {
    expect(await mayMount('docker.io', false)).toEqual([true, false, false]);
    expect(await mayMount('ghcr.io', false)).toEqual([false, true, false]);
  });
});
