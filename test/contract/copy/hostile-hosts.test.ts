import { describe, expect, it } from 'vitest';
import type { RegistryError } from '../../../core/registry/errors.ts';
import { startRecordingServer } from '../../support/hostile-upstream.ts';
import { copyFrom, type Hostility, image } from './hostile-fixture.ts';

const password = 'hunter22-of-the-upstream';
const credentials = async () => ({ username: 'robot', password });
const secrets = [password, Buffer.from(`robot:${password}`).toString('base64'), 'token-of-the-upstream'];
const layerBytes = image.blobs.get(image.layers[0]?.digest ?? 'sha256:') ?? Buffer.alloc(0);

/**
 * Another host, which answers every request. It must not see a credential, whatever the upstream
 * says.
 */
async function startBystander(answer: {
  status: number;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
}) {
  const server = await startRecordingServer((response) => {
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  return {
    ...server,
    expectNoSecret() {
      for (const { path, headers } of server.requests) {
        expect(headers.authorization).toBeUndefined();
        expect(headers.cookie).toBeUndefined();
        for (const secret of secrets) expect(`${path} ${JSON.stringify(headers)}`).not.toContain(secret);
      }
    },
  };
}

/** An upstream that wants a password for everything. */
const wantsBasic: Hostility['first'] = (response, request) => {
  if (request.headers.authorization) return false;
  response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
  return true;
};

describe('an upstream that sends us to another host', () => {
  it('for a layer gains nothing: the layer is fetched there without credentials', async () => {
    const bystander = await startBystander({ status: 200, body: layerBytes });
    const { outcome, upstream, mirror } = await copyFrom(
      {
        first: wantsBasic,
        layer: (response) => response.writeHead(307, { location: `${bystander.endpoint}/layer?sig=1` }).end(),
      },
      { credentials },
    );
    expect(outcome).not.toBeInstanceOf(Error);
    expect(mirror.tag('app', 'latest')).toBe(image.manifest.digest);
    expect(upstream.requests.some(({ headers }) => headers.authorization)).toBe(true);
    expect(bystander.requests.map(({ path }) => path)).toEqual(['/layer?sig=1']);
    bystander.expectNoSecret();
  });

  it.each([401, 407])('that wants credentials (%i) gets none there, and is named', async (status) => {
    const bystander = await startBystander({
      status,
      headers: { 'www-authenticate': 'Basic realm="give"', 'proxy-authenticate': 'Basic realm="give"' },
      body: 'text of the bystander',
    });
    const { outcome, mirror } = await copyFrom(
      {
        first: wantsBasic,
        layer: (response) => response.writeHead(302, { location: `${bystander.endpoint}/layer` }).end(),
      },
      { credentials },
    );
    expect(outcome).toMatchObject({
      side: 'upstream',
      operation: 'get blob',
      repository: 'evil/app',
      status,
    });
    expect((outcome as RegistryError).message).toContain(bystander.host);
    expect((outcome as RegistryError).message).not.toContain('text of the bystander');
    expect(mirror.tags('app')).toEqual([]);
    bystander.expectNoSecret();
  });

  it('for a token is refused, with what to configure', async () => {
    const bystander = await startBystander({ status: 200, body: JSON.stringify({ token: 'x' }) });
    const { outcome, mirror } = await copyFrom(
      {
        first: (response, { headers }) =>
          headers.authorization === undefined &&
          Boolean(
            response
              .writeHead(401, {
                'www-authenticate': `Bearer realm="${bystander.endpoint}/token",service="s"`,
              })
              .end(),
          ),
      },
      { credentials },
    );
    expect(outcome).toMatchObject({ side: 'upstream', code: 'UNAUTHORIZED', repository: 'evil/app' });
    expect((outcome as RegistryError).remedy).toContain(`authHosts: ["${bystander.host}"]`);
    expect(bystander.requests).toEqual([]);
    expect(mirror.tags('app')).toEqual([]);
  });

  it('for a layer gets none of the tokens that its own service gave', async () => {
    const bystander = await startBystander({ status: 200, body: layerBytes });
    let endpoint = '';
    const { outcome, upstream } = await copyFrom(
      {
        first: (response, { url = '', headers }) => {
          endpoint = `http://${headers.host}`;
          if (url.startsWith('/token'))
            response.writeHead(200).end(JSON.stringify({ token: 'token-of-the-upstream' }));
          else if (!headers.authorization)
            response
              .writeHead(401, { 'www-authenticate': `Bearer realm="${endpoint}/token",service="s"` })
              .end();
          else return false;
          return true;
        },
        layer: (response) => response.writeHead(307, { location: `${bystander.endpoint}/layer` }).end(),
      },
      { credentials },
    );
    expect(outcome).not.toBeInstanceOf(Error);
    expect(
      upstream.requests.filter(({ headers }) => headers.authorization === 'Bearer token-of-the-upstream')
        .length,
    ).toBeGreaterThan(1);
    expect(bystander.requests).toHaveLength(1);
    bystander.expectNoSecret();
  });
});
