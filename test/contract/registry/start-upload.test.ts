import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { type ScriptedStep, startScriptedServer } from '../../support/scripted-server.ts';
import { basic, clientFor, errorOf } from './client-for.ts';

const digest = digestOf(Buffer.from('layer'));
const escaped = encodeURIComponent(digest);
const start = 'POST /v2/a/blobs/uploads/';
const credentials = async () => ({ username: 'AWS', password: 'token-of-12-hours' });
const wantsBasic = { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
const sent = basic('AWS', 'token-of-12-hours');
const accepted = (location: string): ScriptedStep['answer'] => ({ status: 202, headers: { location } });

describe('startUpload', () => {
  it('starts a session, after a challenge and again after trouble', async () => {
    const server = await startScriptedServer([
      { request: start, answer: wantsBasic },
      { request: start, headers: { authorization: sent, 'content-length': '0' }, answer: { status: 503 } },
      {
        request: start,
        headers: { authorization: sent },
        answer: accepted('/v2/a/blobs/uploads/1?_state=x'),
      },
    ]);
    expect(await clientFor(server, { credentials }).startUpload('a')).toEqual({
      kind: 'session',
      session: { repository: 'a', location: `${server.origin}/v2/a/blobs/uploads/1?_state=x` },
    });
  });

  it.each([
    ['absolute', (origin: string) => `${origin}/upload/1`, '/upload/1'],
    ['relative to the host', () => '/upload/1', '/upload/1'],
    ['relative to the path', () => '1', '/v2/a/blobs/uploads/1'],
  ])('accepts a location that is %s', async (_, location, path) => {
    const server = await startScriptedServer();
    server.expect({ request: start, answer: accepted(location(server.origin)) });
    expect(await clientFor(server).startUpload('a')).toMatchObject({
      session: { location: server.origin + path },
    });
  });

  it.each(['', 'file:///etc/passwd', 'http://u:p@127.0.0.1/'])(
    'refuses the location %j',
    async (location) => {
      const server = await startScriptedServer([{ request: start, answer: accepted(location) }]);
      expect(await errorOf(clientFor(server).startUpload('a'))).toMatchObject({ code: 'LOCATION_REFUSED' });
    },
  );

  it('needs a token that allows pushing', async () => {
    const server = await startScriptedServer();
    server.expect(
      {
        request: start,
        answer: { status: 401, headers: { 'www-authenticate': `Bearer realm="${server.origin}/token"` } },
      },
      {
        request: 'GET /token?scope=repository%3Aa%3Apull%2Cpush',
        answer: { status: 200, body: { token: 't' } },
      },
      { request: start, headers: { authorization: 'Bearer t' }, answer: accepted('/upload/1') },
    );
    await clientFor(server).startUpload('a');
  });

  it('explains what a dropped connection means on ECR', async () => {
    const dropped: ScriptedStep = { request: start, answer: (response) => response.destroy() };
    const server = await startScriptedServer([dropped, dropped]);
    const error = await errorOf(
      clientFor(server, { side: 'mirror', retry: { attempts: 2 } }).startUpload('a'),
    );
    expect(error).toMatchObject({ code: 'CONNECTION', temporary: true, repository: 'a' });
    expect(error.remedy).toMatch(/create the repository first/);
  });
});

describe('a mount', () => {
  const mount = `POST /v2/a/blobs/uploads/?mount=${escaped}&from=library%2Fb`;
  const options = { mount: { digest, from: 'library/b' } };

  it('is complete with 201', async () => {
    const server = await startScriptedServer([
      {
        request: mount,
        answer: { status: 201, headers: { location: '/v2/a/blobs/x', 'docker-content-digest': digest } },
      },
      { request: `POST /v2/a/blobs/uploads/?mount=${escaped}`, answer: { status: 201 } },
    ]);
    const client = clientFor(server);
    expect(await client.startUpload('a', options)).toEqual({ kind: 'mounted' });
    expect(await client.startUpload('a', { mount: { digest } })).toEqual({ kind: 'mounted' });
  });

  it('becomes a session for a plain upload with 202', async () => {
    const server = await startScriptedServer([{ request: mount, answer: accepted('/upload/1') }]);
    expect(await clientFor(server).startUpload('a', options)).toEqual({
      kind: 'session',
      session: { repository: 'a', location: `${server.origin}/upload/1` },
    });
  });

  it('also needs to read the source', async () => {
    const server = await startScriptedServer();
    server.expect(
      {
        request: mount,
        answer: { status: 401, headers: { 'www-authenticate': `Bearer realm="${server.origin}/token"` } },
      },
      {
        request: 'GET /token?scope=repository%3Aa%3Apull%2Cpush&scope=repository%3Alibrary%2Fb%3Apull',
        answer: { status: 200, body: { token: 't' } },
      },
      { request: mount, headers: { authorization: 'Bearer t' }, answer: { status: 201 } },
    );
    await clientFor(server).startUpload('a', options);
  });

  it('of something else is refused', async () => {
    const other = digestOf(Buffer.from('other'));
    const server = await startScriptedServer([
      { request: mount, answer: { status: 201, headers: { 'docker-content-digest': other } } },
    ]);
    const error = await errorOf(clientFor(server).startUpload('a', options));
    expect(error).toMatchObject({ code: 'DIGEST_INVALID' });
    expect(error.message).toContain(other);
    expect(error.message).toContain(digest);
  });
});
