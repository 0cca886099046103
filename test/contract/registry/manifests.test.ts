import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { manifestAcceptHeader, mediaTypes } from '../../../core/oci/media-types.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { clientFor, errorOf } from './client-for.ts';

// Odd spacing: bytes must be kept as they are.
const bytes = Buffer.from(
  `{ "schemaVersion":2,\n"mediaType":"${mediaTypes.ociIndex}", "manifests" : [ ] }\n`,
);
const digest = digestOf(bytes);
const type = { 'content-type': `${mediaTypes.ociIndex}; charset=utf-8` };
const get = (reference: string) => `GET /v2/library/nginx/manifests/${reference}`;

describe('getManifest', () => {
  it('reads a tag, verbatim, accepting every type', async () => {
    const server = await startScriptedServer([
      {
        request: get('1.27'),
        headers: { accept: manifestAcceptHeader, authorization: null },
        answer: { status: 200, headers: { ...type, 'docker-content-digest': digest }, body: bytes },
      },
    ]);
    const manifest = await clientFor(server).getManifest('library/nginx', '1.27');
    expect(manifest).toMatchObject({ kind: 'index', digest, mediaType: mediaTypes.ociIndex });
    expect(Buffer.from(manifest.bytes)).toEqual(bytes);
  });

  it('computes a tag’s digest if the registry does not report it', async () => {
    const server = await startScriptedServer([
      { request: get('1'), answer: { status: 200, headers: type, body: bytes } },
    ]);
    expect((await clientFor(server).getManifest('library/nginx', '1')).digest).toBe(digest);
  });

  it('reads a digest, of either algorithm', async () => {
    const sha512 = digestOf(bytes, 'sha512');
    const server = await startScriptedServer([
      { request: get(digest), answer: { status: 200, headers: type, body: bytes } },
      {
        request: get(sha512),
        // Reported in the other algorithm: verified as well.
        answer: { status: 200, headers: { ...type, 'docker-content-digest': digest }, body: bytes },
      },
    ]);
    const client = clientFor(server);
    expect((await client.getManifest('library/nginx', digest)).digest).toBe(digest);
    expect((await client.getManifest('library/nginx', sha512)).digest).toBe(sha512);
  });

  it('keeps a tag’s digest as sha256 if the registry reports sha512, which is verified', async () => {
    const headers = { ...type, 'docker-content-digest': digestOf(bytes, 'sha512') };
    const wrong = { ...type, 'docker-content-digest': digestOf(Buffer.from('other'), 'sha512') };
    const server = await startScriptedServer([
      { request: get('1'), answer: { status: 200, headers, body: bytes } },
      { request: get('1'), answer: { status: 200, headers: wrong, body: bytes } },
      { request: 'HEAD /v2/library/nginx/manifests/1', answer: { status: 200, headers } },
    ]);
    const client = clientFor(server);
    expect((await client.getManifest('library/nginx', '1')).digest).toBe(digest);
    expect(await errorOf(client.getManifest('library/nginx', '1'))).toMatchObject({ code: 'DIGEST_INVALID' });
    // So that a caller that compares it with the manifest's digest reads the manifest instead.
    expect((await client.headManifest('library/nginx', '1'))?.digest).toBeUndefined();
  });

  const other = digestOf(Buffer.from('other'));
  it.each([
    ['bytes that do not match the digest', other, {}, [digest, other]],
    [
      'a header that is not the requested digest',
      digest,
      { 'docker-content-digest': other },
      [digest, other],
    ],
    [
      'a header that is not the digest of the bytes',
      '1',
      { 'docker-content-digest': other },
      [digest, other],
    ],
    [
      'a wrong header of the other algorithm',
      digest,
      { 'docker-content-digest': digestOf(Buffer.from('other'), 'sha512') },
      [digestOf(bytes, 'sha512'), digestOf(Buffer.from('other'), 'sha512')],
    ],
    ['a header that is not a digest', '1', { 'docker-content-digest': 'sha256:xyz' }, ['sha256:xyz']],
  ])('refuses %s, naming both', async (_, reference, headers, named) => {
    const server = await startScriptedServer([
      { request: get(reference), answer: { status: 200, headers: { ...type, ...headers }, body: bytes } },
    ]);
    const error = await errorOf(clientFor(server).getManifest('library/nginx', reference));
    expect(error).toMatchObject({ code: 'DIGEST_INVALID', temporary: false });
    for (const text of named) expect(error.message).toContain(text);
  });

  it.each([
    ['with the registry’s code', { errors: [{ code: 'NAME_UNKNOWN' }] }, 'NAME_UNKNOWN'],
    ['without one', 'page not found', 'MANIFEST_UNKNOWN'],
  ])('reports a missing manifest %s', async (_, body, code) => {
    const server = await startScriptedServer([{ request: get('gone'), answer: { status: 404, body } }]);
    const error = await errorOf(clientFor(server).getManifest('library/nginx', 'gone'));
    expect(error).toMatchObject({ code, status: 404, temporary: false, reference: 'gone' });
    expect(error.remedy).not.toBe('');
  });

  it('stops reading an endless manifest at 4 MiB', async () => {
    let written = 0;
    const server = await startScriptedServer([
      {
        request: get('1'),
        answer: (response) => {
          response.writeHead(200, type);
          const chunk = Buffer.alloc(65_536, ' ');
          const more = () => {
            while (!response.destroyed && response.write(chunk)) written += chunk.length;
            response.once('drain', more);
          };
          more();
        },
      },
    ]);
    const error = await errorOf(clientFor(server).getManifest('library/nginx', '1'));
    expect(error).toMatchObject({ code: 'ANSWER_TOO_LARGE', temporary: false });
    expect(error.message).toContain('4194304 bytes');
    // What was written beyond the limit is in the buffers of two sockets.
    expect(written).toBeLessThan(32 * 1024 * 1024);
  });

  it('stops reading an endless error', async () => {
    const server = await startScriptedServer([
      {
        request: get('1'),
        answer: (response) => {
          response.writeHead(403);
          const more = () => {
            while (!response.destroyed && response.write('x'.repeat(65_536)));
            response.once('drain', more);
          };
          more();
        },
      },
    ]);
    const error = await errorOf(clientFor(server).getManifest('library/nginx', '1'));
    expect(error).toMatchObject({ code: 'DENIED', status: 403 });
  });

  it('reports what is wrong with a manifest', async () => {
    const schema1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
    const server = await startScriptedServer([
      { request: get('1'), answer: { status: 200, headers: type, body: '{"schemaVersion":' } },
      { request: get('1'), answer: { status: 200, headers: { 'content-type': schema1 }, body: '{}' } },
    ]);
    const client = clientFor(server);
    expect(await errorOf(client.getManifest('library/nginx', '1'))).toMatchObject({
      code: 'MANIFEST_INVALID',
    });
    expect(await errorOf(client.getManifest('library/nginx', '1'))).toMatchObject({
      code: 'MANIFEST_UNSUPPORTED',
    });
  });
});

describe('headManifest', () => {
  const head = (reference: string) => `HEAD /v2/library/nginx/manifests/${reference}`;

  it('returns digest, type and size, as far as the registry reports them', async () => {
    const headers = { ...type, 'docker-content-digest': digest, 'content-length': '77' };
    const server = await startScriptedServer([
      { request: head('1'), headers: { accept: manifestAcceptHeader }, answer: { status: 200, headers } },
      { request: head('1'), answer: { status: 200, headers: { 'transfer-encoding': 'chunked' } } },
    ]);
    const client = clientFor(server);
    expect(await client.headManifest('library/nginx', '1')).toEqual({
      digest,
      mediaType: mediaTypes.ociIndex,
      size: 77,
    });
    expect(await client.headManifest('library/nginx', '1')).toEqual({});
  });

  it('is undefined for what the registry does not know', async () => {
    const server = await startScriptedServer([{ request: head('1'), answer: { status: 404 } }]);
    expect(await clientFor(server).headManifest('library/nginx', '1')).toBeUndefined();
  });

  it('refuses another digest than was asked for', async () => {
    const other = digestOf(Buffer.from('other'));
    const server = await startScriptedServer([
      { request: head(digest), answer: { status: 200, headers: { 'docker-content-digest': other } } },
    ]);
    const error = await errorOf(clientFor(server).headManifest('library/nginx', digest));
    expect(error).toMatchObject({ code: 'DIGEST_INVALID' });
    expect(error.message).toContain(other);
    expect(error.message).toContain(digest);
  });
});

describe('putManifest', () => {
  const put = 'PUT /v2/library/nginx/manifests/1.27';
  const manifest = { bytes, digest, mediaType: mediaTypes.ociIndex };

  it('sends the bytes as they are, and again after a temporary failure', async () => {
    const server = await startScriptedServer([
      { request: put, body: bytes, answer: { status: 500 } },
      {
        request: put,
        headers: { 'content-type': mediaTypes.ociIndex, 'content-length': String(bytes.length) },
        body: bytes,
        answer: { status: 201, headers: { 'docker-content-digest': digest } },
      },
      { request: put, body: bytes, answer: { status: 201 } },
    ]);
    const client = clientFor(server);
    await client.putManifest('library/nginx', '1.27', manifest);
    await client.putManifest('library/nginx', '1.27', manifest);
  });

  it('retries too many requests for longer than other failures', async () => {
    const limited = Array.from({ length: 15 }, () => ({ request: put, answer: { status: 429 } }));
    const server = await startScriptedServer([...limited, { request: put, answer: { status: 201 } }]);
    await clientFor(server).putManifest('library/nginx', '1.27', manifest);

    const failing = Array.from({ length: 4 }, () => ({ request: put, answer: { status: 503 } }));
    const error = await errorOf(
      clientFor(await startScriptedServer(failing)).putManifest('library/nginx', '1.27', manifest),
    );
    expect(error).toMatchObject({ status: 503 });
  });

  it('rejects an answer that something else was stored', async () => {
    const other = digestOf(Buffer.from('other'));
    const server = await startScriptedServer([
      { request: put, answer: { status: 201, headers: { 'docker-content-digest': other } } },
    ]);
    const error = await errorOf(clientFor(server).putManifest('library/nginx', '1.27', manifest));
    expect(error).toMatchObject({ code: 'DIGEST_INVALID' });
    expect(error.message).toContain(other);
    expect(error.message).toContain(digest);
  });

  it('reports the registry’s reason', async () => {
    const body = { errors: [{ code: 'TAG_INVALID', message: 'The image tag ‘1.27’ already exists' }] };
    const server = await startScriptedServer([{ request: put, answer: { status: 400, body } }]);
    const error = await errorOf(
      clientFor(server, { side: 'mirror' }).putManifest('library/nginx', '1.27', manifest),
    );
    expect(error).toMatchObject({
      code: 'TAG_INVALID',
      status: 400,
      side: 'mirror',
      remedy: expect.stringMatching(/immutab/),
    });
  });
});
