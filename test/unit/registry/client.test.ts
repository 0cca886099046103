import { MockAgent } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { RegistryClient } from '../../../core/registry/client.ts';
import type { RequestInfo } from '../../../core/registry/transport/transport.ts';

const index = Buffer.from(
  JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }),
);

describe('RegistryClient over https', () => {
  let agent: MockAgent;
  let requests: RequestInfo[];
  beforeEach(() => {
    agent = new MockAgent();
    agent.disableNetConnect();
    requests = [];
  });
  afterEach(() => agent.assertNoPendingInterceptors());

  const client = (options: { authHosts?: string[]; redirectHosts?: string[]; credentials?: boolean } = {}) =>
    new RegistryClient({
      registry: 'docker.io',
      endpoint: 'https://registry-1.docker.io',
      side: 'upstream',
      authHosts: options.authHosts ?? ['auth.docker.io'],
      redirectHosts: options.redirectHosts ?? [],
      ...(options.credentials ? { credentials: async () => ({ username: 'u', password: 'hunter22' }) } : {}),
      dispatcher: agent,
      onRequest: (info) => requests.push(info),
    });
  const registry = () => agent.get('https://registry-1.docker.io');
  const challenge = (realm: string) => ({
    headers: {
      'www-authenticate': `Bearer realm="${realm}",service="registry.docker.io",scope="repository:library/nginx:pull"`,
    },
  });
  const path = '/v2/library/nginx/manifests/1.27';

  it('gets a token from the host that authHosts names, and the manifest with it', async () => {
    registry().intercept({ path }).reply(401, '', challenge('https://auth.docker.io/token'));
    agent
      .get('https://auth.docker.io')
      .intercept({
        path: '/token?service=registry.docker.io&scope=repository%3Alibrary%2Fnginx%3Apull',
        headers: { authorization: `Basic ${Buffer.from('u:hunter22').toString('base64')}` },
      })
      .reply(200, { token: 'tok' });
    registry()
      .intercept({ path, headers: { authorization: 'Bearer tok', 'user-agent': /^drayage\/\d/ } })
      .reply(200, index, { headers: { 'content-type': mediaTypes.ociIndex } });
    const manifest = await client({ credentials: true }).getManifest('library/nginx', '1.27');
    expect(manifest).toMatchObject({ kind: 'index', digest: digestOf(index) });
    expect(requests.map(({ method, url, status, side }) => [method, url, status, side])).toEqual([
      ['GET', `https://registry-1.docker.io${path}`, 401, 'upstream'],
      ['GET', 'https://auth.docker.io/token', 200, 'upstream'],
      ['GET', `https://registry-1.docker.io${path}`, 200, 'upstream'],
    ]);
  });

  it('follows a redirect to a private address only if redirectHosts lists it, port included', async () => {
    const stored = { headers: { location: 'https://10.0.0.5:9000/m' } };
    for (const redirectHosts of [[], ['10.0.0.5'], ['10.0.0.5:9001']]) {
      registry().intercept({ path }).reply(307, '', stored);
      const error = await client({ redirectHosts })
        .getManifest('library/nginx', '1.27')
        .catch((e) => e);
      expect(error).toMatchObject({ code: 'REDIRECT_REFUSED' });
      expect(error.message).toContain('leads to a private address, 10.0.0.5:9000');
      expect(error.remedy).toContain('redirectHosts: ["10.0.0.5:9000"]');
    }
    registry().intercept({ path }).reply(307, '', stored);
    agent
      .get('https://10.0.0.5:9000')
      .intercept({ path: '/m' })
      .reply(200, index, { headers: { 'content-type': mediaTypes.ociIndex } });
    const manifest = await client({ redirectHosts: ['10.0.0.5:9000'] }).getManifest('library/nginx', '1.27');
    expect(manifest.digest).toBe(digestOf(index));
  });

  it.each([
    ['on another host', 'https://evil.example/token', /authHosts: \["evil\.example"\]/, /evil\.example/],
    ['on plain http', 'http://auth.docker.io/token', /sent unencrypted/, /plain http/],
  ])('does not ask a token service %s', async (_, realm, remedy, message) => {
    registry().intercept({ path }).reply(401, '', challenge(realm));
    const error = await client({ credentials: true })
      .getManifest('library/nginx', '1.27')
      .catch((e) => e);
    expect(error).toMatchObject({ code: 'UNAUTHORIZED', temporary: false });
    expect(error.remedy).toMatch(remedy);
    expect(error.message).toMatch(message);
    expect(requests).toHaveLength(1);
  });

  it('asks a token service on another host anonymously when there are no credentials at all', async () => {
    registry().intercept({ path }).reply(401, '', challenge('https://elsewhere.example/token'));
    agent
      .get('https://elsewhere.example')
      .intercept({ path: /^\/token\?/, headers: (headers) => !('authorization' in headers) })
      .reply(200, { access_token: 'anonymous' });
    registry()
      .intercept({ path, headers: { authorization: 'Bearer anonymous' } })
      .reply(200, index, { headers: { 'content-type': mediaTypes.ociIndex } });
    await client().getManifest('library/nginx', '1.27');
    expect(requests).toHaveLength(3);
  });

  it('does not even do that over plain http', async () => {
    registry().intercept({ path }).reply(401, '', challenge('http://elsewhere.example/token'));
    await expect(client().getManifest('library/nginx', '1.27')).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
    });
    expect(requests).toHaveLength(1);
  });

  it('does not follow a redirect to plain http', async () => {
    const digest = digestOf(index);
    const location = 'http://cdn.example/blob?sig=hunter22';
    registry()
      .intercept({ path: `/v2/a/blobs/${digest}` })
      .reply(307, '', { headers: { location } });
    const error = await client()
      .getBlob('a', { digest, size: 1 })
      .catch((e) => e);
    expect(error).toMatchObject({ code: 'REDIRECT_REFUSED', status: 307, temporary: false });
    expect(error.message).not.toContain('hunter22');
    expect(requests).toHaveLength(1);
  });

  it('does not upload to a location on plain http', async () => {
    const location = 'http://registry-1.docker.io/v2/a/blobs/uploads/1';
    registry()
      .intercept({ path: '/v2/a/blobs/uploads/', method: 'POST' })
      .reply(202, '', { headers: { location } });
    await expect(client().startUpload('a')).rejects.toMatchObject({ code: 'LOCATION_REFUSED' });
  });
});
