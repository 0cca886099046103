import { describe, expect, it } from 'vitest';
import { copyBlob } from '../../../core/copy/blob/copy-blob.ts';
import { RegistryRepository } from '../../../core/copy/registry-repository.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { basic, clientFor, collect, errorOf } from './client-for.ts';

const blob = Buffer.from('a layer');
const descriptor = { digest: digestOf(blob), size: blob.length };
const path = `/v2/a/blobs/${descriptor.digest}`;
const credentials = async () => ({ username: 'u', password: 'hunter22' });
const wantsBasic = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
const sent = basic('u', 'hunter22');

describe('a redirect', () => {
  it('to another host loses Authorization, also when it comes back', async () => {
    const cdn = await startScriptedServer();
    const server = await startScriptedServer([
      { request: `GET ${path}`, headers: { authorization: null }, answer: wantsBasic },
      {
        request: `GET ${path}`,
        headers: { authorization: sent },
        answer: { status: 307, headers: { location: `${cdn.origin}/one?sig=1` } },
      },
    ]);
    cdn.expect({
      request: 'GET /one?sig=1',
      headers: { authorization: null, cookie: null },
      answer: { status: 302, headers: { location: `${server.origin}/back` } },
    });
    server.expect({
      request: 'GET /back',
      headers: { authorization: null },
      answer: { status: 200, body: blob },
    });
    const client = clientFor(server, { credentials });
    expect(await collect(await client.getBlob('a', descriptor))).toEqual(blob);
  });

  it('within the host keeps Authorization, and the range', async () => {
    const server = await startScriptedServer([
      { request: `GET ${path}`, answer: wantsBasic },
      { request: `GET ${path}`, answer: { status: 308, headers: { location: '/stored' } } },
      {
        request: 'GET /stored',
        headers: { authorization: sent, range: 'bytes=2-' },
        answer: { status: 206, headers: { 'content-range': 'bytes 2-6/7' }, body: blob.subarray(2) },
      },
    ]);
    const client = clientFor(server, { credentials });
    expect(await collect(await client.getBlob('a', descriptor, { offset: 2 }))).toEqual(blob.subarray(2));
  });

  it('to a host that wants credentials gets none', async () => {
    const cdn = await startScriptedServer([
      { request: 'GET /blob', headers: { authorization: null }, answer: wantsBasic },
    ]);
    const server = await startScriptedServer([
      { request: `GET ${path}`, answer: { status: 307, headers: { location: `${cdn.origin}/blob` } } },
    ]);
    const error = await errorOf(clientFor(server, { credentials }).getBlob('a', descriptor));
    expect(error).toMatchObject({ code: 'UNAUTHORIZED', status: 401 });
    expect(error.message).toContain(`${cdn.host}, where the registry sent the request, answered 401`);
  });

  it('to another host quotes nothing from its answer', async () => {
    const body = { errors: [{ code: 'AKIA', message: 'AKIAIOSFODNN7EXAMPLE' }] };
    const manifest = '{"schemaVersion":2,"mediaType":"AKIAIOSFODNN7EXAMPLE"}';
    const elsewhere = await startScriptedServer([
      { request: 'GET /latest/meta-data', answer: { status: 403, body } },
      { request: 'GET /latest/meta-data', answer: { status: 200, body: manifest } },
      {
        request: 'GET /latest/meta-data',
        answer: { status: 200, headers: { 'docker-content-digest': 'AKIAIOSFODNN7EXAMPLE' }, body: manifest },
      },
    ]);
    const location = `${elsewhere.origin}/latest/meta-data`;
    const step = {
      request: 'GET /v2/a/manifests/1',
      answer: { status: 307, headers: { location } },
    };
    const server = await startScriptedServer([step, step, step]);
    for (const code of ['DENIED', 'MANIFEST_UNSUPPORTED', 'DIGEST_INVALID']) {
      const error = await errorOf(clientFor(server).getManifest('a', '1'));
      expect(error).toMatchObject({ code });
      expect(error.message).toContain(elsewhere.host);
      expect(`${error.message} ${error.remedy} ${error.cause}`).not.toContain('AKIA');
    }
  });

  it('to an internal address of another kind than the endpoint’s is refused', async () => {
    const location = 'http://169.254.169.254/latest/meta-data';
    const server = await startScriptedServer([
      { request: `GET ${path}`, answer: { status: 307, headers: { location } } },
      { request: 'POST /v2/a/blobs/uploads/', answer: { status: 202, headers: { location } } },
    ]);
    const client = clientFor(server);
    expect(await errorOf(client.getBlob('a', descriptor))).toMatchObject({
      code: 'REDIRECT_REFUSED',
      temporary: false,
      message: expect.stringContaining('a link-local address, 169.254.169.254'),
    });
    expect(await errorOf(client.startUpload('a'))).toMatchObject({ code: 'LOCATION_REFUSED' });
  });

  it.each([
    ['in a loop', `${path}`, /circle/],
    ['without an address', '', /no Location/],
    ['to a file', 'file:///etc/passwd', /scheme file:/],
  ])('%s is refused', async (_, location, message) => {
    const server = await startScriptedServer([
      { request: `GET ${path}`, answer: { status: 307, headers: { location } } },
    ]);
    const error = await errorOf(clientFor(server).getBlob('a', descriptor));
    expect(error).toMatchObject({
      code: 'REDIRECT_REFUSED',
      temporary: false,
      message: expect.stringMatching(message),
    });
  });

  it('is followed five times', async () => {
    const hop = (from: string, to: string) => ({
      request: `GET ${from}`,
      answer: { status: 307, headers: { location: to } },
    });
    const hops = [hop(path, '/1'), hop('/1', '/2'), hop('/2', '/3'), hop('/3', '/4'), hop('/4', '/5')];
    const server = await startScriptedServer([
      ...hops,
      { request: 'GET /5', answer: { status: 200, body: blob } },
    ]);
    const client = clientFor(server);
    await collect(await client.getBlob('a', descriptor));
    server.expect(...hops, hop('/5', '/6'));
    expect(await errorOf(client.getBlob('a', descriptor))).toMatchObject({ code: 'REDIRECT_REFUSED' });
  });
});

describe('a redirect of a write', () => {
  const manifest = {
    bytes: Buffer.from('{}'),
    mediaType: 'application/json',
    digest: digestOf(Buffer.from('{}')),
  };
  const put = 'PUT /v2/a/manifests/1';

  it.each([307, 308])('is followed on the same host, and the body is sent again: %i', async (status) => {
    const server = await startScriptedServer([
      { request: put, body: manifest.bytes, answer: { status, headers: { location: '/moved' } } },
      {
        request: 'PUT /moved',
        body: manifest.bytes,
        headers: { 'content-type': 'application/json' },
        answer: { status: 201 },
      },
    ]);
    await clientFor(server).putManifest('a', '1', manifest);
  });

  it('is followed to a host of authHosts, with the credentials', async () => {
    const other = await startScriptedServer([
      {
        request: 'POST /v2/a/blobs/uploads/',
        headers: { authorization: sent },
        answer: { status: 202, headers: { location: '/upload/1' } },
      },
      {
        request: `PUT /upload/1?digest=${encodeURIComponent(descriptor.digest)}`,
        headers: { authorization: sent },
        body: blob,
        answer: { status: 201 },
      },
    ]);
    const moved = { status: 307, headers: { location: `${other.origin}/v2/a/blobs/uploads/` } };
    const server = await startScriptedServer([
      { request: 'POST /v2/a/blobs/uploads/', answer: wantsBasic },
      { request: 'POST /v2/a/blobs/uploads/', answer: moved },
    ]);
    const client = clientFor(server, { credentials, authHosts: [other.host] });
    const started = await client.startUpload('a');
    if (started.kind !== 'session') throw new Error(started.kind);
    await client.putBlob(started.session, descriptor, bytesOf(blob));
  });

  it('is not followed to any other host', async () => {
    const other = await startScriptedServer();
    const server = await startScriptedServer([
      { request: put, answer: { status: 307, headers: { location: `${other.origin}/x` } } },
    ]);
    const error = await errorOf(clientFor(server).putManifest('a', '1', manifest));
    expect(error).toMatchObject({ code: 'REDIRECT_REFUSED', status: 307 });
    expect(error.remedy).toContain(`authHosts: ["${other.host}"]`);
  });

  it.each([301, 302, 303])('is not followed by %i, which may mean another method', async (status) => {
    const server = await startScriptedServer([
      { request: put, answer: { status, headers: { location: '/moved' } } },
    ]);
    expect(await errorOf(clientFor(server).putManifest('a', '1', manifest))).toMatchObject({ status });
  });

  it('makes an upload start over at the new location, with a new read', async () => {
    const query = `digest=${encodeURIComponent(descriptor.digest)}`;
    const upstream = await startScriptedServer([
      { request: `GET ${path}`, answer: { status: 200, body: blob } },
      { request: `GET ${path}`, answer: { status: 200, body: blob } },
    ]);
    const mirror = await startScriptedServer([
      {
        request: `POST /v2/b/blobs/uploads/?mount=${encodeURIComponent(descriptor.digest)}&from=b`,
        answer: { status: 202, headers: { location: '/upload/1?state=x' } },
      },
      {
        request: `PUT /upload/1?state=x&${query}`,
        body: blob,
        answer: { status: 307, headers: { location: `/node-2/1?sig=a%2Fb&${query}` } },
      },
      { request: `PUT /node-2/1?sig=a%2Fb&${query}`, body: blob, answer: { status: 201 } },
    ]);
    const source = new RegistryRepository(clientFor(upstream), 'r.example', 'a');
    const destination = new RegistryRepository(clientFor(mirror, { side: 'mirror' }), 'm.example', 'b');
    const layer = { mediaType: 'application/octet-stream', ...descriptor };
    expect(await copyBlob(source, destination, layer, { pause: async () => {} })).toBe('copied');
  });
});

describe('a redirect to another registry', () => {
  const manifest = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }),
  );
  const answer = { status: 200, body: manifest, headers: { 'content-type': mediaTypes.ociIndex } };

  it('that wants a token of its own realm gets one without our credentials, only once', async () => {
    const other = await startScriptedServer();
    const bearer = `Bearer realm="${other.origin}/token",service="other",scope="repository:x/a:pull"`;
    const wantsToken = { status: 401, headers: { 'www-authenticate': bearer } };
    const real = 'GET /v2/x/a/manifests/1';
    other.expect(
      { request: real, headers: { authorization: null }, answer: wantsToken },
      {
        request: 'GET /token?service=other&scope=repository%3Ax%2Fa%3Apull',
        headers: { authorization: null },
        answer: { status: 200, body: { token: 'anyone' } },
      },
      { request: real, headers: { authorization: 'Bearer anyone' }, answer },
      { request: real, headers: { authorization: 'Bearer anyone' }, answer },
    );
    const redirect = { status: 302, headers: { location: `${other.origin}/v2/x/a/manifests/1` } };
    const gateway = await startScriptedServer([
      { request: 'GET /v2/a/manifests/1', answer: wantsBasic },
      { request: 'GET /v2/a/manifests/1', headers: { authorization: sent }, answer: redirect },
      { request: 'GET /v2/a/manifests/1', headers: { authorization: sent }, answer: redirect },
    ]);
    const client = clientFor(gateway, { credentials });
    for (let n = 0; n < 2; n += 1)
      expect((await client.getManifest('a', '1')).digest).toBe(digestOf(manifest));
  });

  it('that refuses the token is reported without its text', async () => {
    const other = await startScriptedServer();
    other.expect(
      {
        request: 'GET /m',
        answer: { status: 401, headers: { 'www-authenticate': `Bearer realm="${other.origin}/token"` } },
      },
      { request: 'GET /token', answer: { status: 403, body: { message: 'AKIAIOSFODNN7EXAMPLE' } } },
    );
    const gateway = await startScriptedServer([
      {
        request: 'GET /v2/a/manifests/1',
        answer: { status: 302, headers: { location: `${other.origin}/m` } },
      },
    ]);
    const error = await errorOf(clientFor(gateway).getManifest('a', '1'));
    expect(error).toMatchObject({ code: 'DENIED' });
    expect(error.message).not.toContain('AKIA');
  });
});

async function* bytesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
