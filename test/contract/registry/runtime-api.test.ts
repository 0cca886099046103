import { describe, expect, it } from 'vitest';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { clientFor, errorOf } from './client-for.ts';

/** Stands in for the runtime API of Lambda: whatever reaches it fails the test. */
async function runtimeApi() {
  const server = await startScriptedServer();
  return { server, port: new URL(server.origin).port };
}

describe('the runtime API of Lambda', () => {
  it('is never contacted, even as the endpoint itself', async () => {
    const { server, port } = await runtimeApi();
    const client = clientFor(server, { network: { runtimeApi: `127.0.0.1:${port}` } });
    const error = await errorOf(client.headManifest('a', '1'));
    expect(error.message).toContain('is the runtime API of AWS Lambda');
    expect(server.requests).toEqual([]);
  });

  it.each(['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '127.1.2.3', '0.0.0.0'])(
    'is not reached through a redirect to %s, even if it is listed',
    async (host) => {
      const { server: api, port } = await runtimeApi();
      const location = `http://${host}:${port}/2018-06-01/runtime/invocation/next`;
      const server = await startScriptedServer([
        { request: 'GET /v2/a/manifests/1', answer: { status: 307, headers: { location } } },
      ]);
      const client = clientFor(server, {
        redirectHosts: [`${host}:${port}`],
        network: { runtimeApi: `127.0.0.1:${port}` },
      });
      await errorOf(client.getManifest('a', '1'));
      expect(api.requests).toEqual([]);
    },
  );

  it('is not reached past a proxy, which this machine’s own names never use', async () => {
    const { server, port } = await runtimeApi();
    const client = clientFor(server, {
      network: { runtimeApi: `127.0.0.1:${port}`, proxy: { http: 'http://proxy.invalid:3128' } },
    });
    expect((await errorOf(client.headManifest('a', '1'))).message).toContain('runtime API');
    expect(server.requests).toEqual([]);
  });

  it('leaves other ports of this machine alone, where emulators have registries', async () => {
    const { port } = await runtimeApi();
    const server = await startScriptedServer([
      { request: 'HEAD /v2/a/manifests/1', answer: { status: 404 } },
    ]);
    const client = clientFor(server, { network: { runtimeApi: `127.0.0.1:${port}` } });
    await client.headManifest('a', '1').catch(() => undefined);
    expect(server.requests).toHaveLength(1);
  });
});
