import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
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
    expect(error.message).toContain(`${cdn.host}, where the registry sent us, answered 401`);
  });

  it('to another host quotes nothing that it answers', async () => {
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
    ['in a circle', `${path}`, /circle/],
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

  it('of a write is not followed', async () => {
    const other = await startScriptedServer();
    const server = await startScriptedServer([
      {
        request: 'POST /v2/a/blobs/uploads/',
        answer: { status: 307, headers: { location: `${other.origin}/x` } },
      },
    ]);
    expect(await errorOf(clientFor(server).startUpload('a'))).toMatchObject({
      code: 'ANSWER_INVALID',
      status: 307,
    });
    expect(other.requests).toEqual([]);
  });
});
