import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyBlob } from '../../../core/copy/blob/copy-blob.ts';
import { PartSource } from '../../../core/copy/blob/part-source.ts';
import { RegistryRepository } from '../../../core/copy/registry-repository.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { createResumableDigest } from '../../../core/oci/resumable-digest.ts';
import { type EmbeddedRegistry, startRegistry } from '../../../local/ecr/server.ts';
import { repositoryAt, requestLines } from '../../support/copying.ts';
import { type ScriptedStep, startScriptedServer } from '../../support/scripted-server.ts';
import { seededBytes } from '../../support/seeded-layer.ts';
import { clientFor } from '../registry/client-for.ts';

const bytes = Buffer.from(seededBytes('continued', 300_000));
const blob = { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length };
const request = `GET /v2/a/blobs/${blob.digest}`;
const broken = 100_000;

const whole: ScriptedStep = { request, headers: { range: null }, answer: { status: 200, body: bytes } };
const breaks: ScriptedStep = {
  request,
  headers: { range: null },
  answer: (response: ServerResponse) => {
    response.writeHead(200, { 'content-length': String(bytes.length) });
    response.write(bytes.subarray(0, broken), () => response.destroy());
  },
};
const continued = (answer: ScriptedStep['answer']): ScriptedStep => ({
  request,
  headers: { range: /^bytes=\d+-$/ },
  answer,
});
/** A 206 with these bytes that fits the request. */
const rest =
  (of: Buffer) =>
  (response: ServerResponse, { headers }: IncomingMessage) => {
    const from = Number(/\d+/.exec(headers.range ?? '')?.[0]);
    response.writeHead(206, { 'content-range': `bytes ${from}-${of.length - 1}/${of.length}` });
    response.end(of.subarray(from));
  };
const otherBytes = Buffer.from(bytes);
otherBytes.fill(0, bytes.length - 10);

describe('a read that broke off', () => {
  let mirror: EmbeddedRegistry;
  beforeAll(async () => {
    mirror = await startRegistry({ flavour: 'distribution' });
  });
  afterAll(() => mirror.stop());

  const copy = async (repository: string, steps: ScriptedStep[]) => {
    const server = await startScriptedServer(steps);
    const source = new RegistryRepository(clientFor(server), 'r.example', 'a');
    const destination = repositoryAt(mirror, repository, { side: 'mirror' });
    mirror.clearRequests();
    return await copyBlob(source, destination, blob, { pause: async () => {} });
  };

  it('starts over if the continuation fails each time', async () => {
    // Each read is requested four times by the client, and three times by the download.
    const trouble = Array.from({ length: 12 }, () => continued({ status: 500 }));
    const server = await startScriptedServer([breaks, ...trouble.slice(0, 8), whole]);
    const client = clientFor(server, { retry: { attempts: 4, baseMs: 1, maxMs: 2 } });
    const source = new RegistryRepository(client, 'r.example', 'a');
    const destination = repositoryAt(mirror, 'trouble', { side: 'mirror' });
    expect(await copyBlob(source, destination, blob, { pause: async () => {} })).toBe('copied');
  });

  it('continues in the same upload if the continuation is served', async () => {
    expect(await copy('served', [breaks, continued(rest(bytes))])).toBe('copied');
    expect(requestLines(mirror.requests).filter((line) => line === 'POST uploads')).toHaveLength(1);
  });

  it.each<[string, ScriptedStep['answer']]>([
    ['400', { status: 400 }],
    ['403', { status: 403, body: 'AccessDenied' }],
    ['404', { status: 404 }],
    ['410', { status: 410 }],
    ['416', { status: 416 }],
    ['501', { status: 501 }],
    [
      'a part that begins elsewhere',
      (response) => {
        response.writeHead(206, { 'content-range': `bytes 0-9/${bytes.length}` }).end(bytes.subarray(0, 10));
      },
    ],
    ['a part without Content-Range', { status: 206, body: bytes.subarray(broken) }],
    ['other bytes than the blob has', rest(otherBytes)],
    ['a part of a longer blob', rest(Buffer.concat([bytes, bytes]))],
  ])('starts over with a new upload if the continuation is answered with %s', async (name, answer) => {
    const repository = `again-${name.replace(/\W+/g, '-').toLowerCase()}`;
    expect(await copy(repository, [breaks, continued(answer), whole])).toBe('copied');
    expect(mirror.hasBlob(repository, blob.digest)).toBe(true);
    expect(requestLines(mirror.requests).filter((line) => line === 'POST uploads')).toHaveLength(2);
  });

  it('fails for now if the read breaks each time and is not continued', async () => {
    const failure = copy('hopeless', [breaks, continued({ status: 416 }), breaks, breaks]);
    await expect(failure).rejects.toMatchObject({ code: 'RANGE_INVALID', side: 'upstream', temporary: true });
  });

  it('fails for good if the new read shows that the blob is gone', async () => {
    const failure = copy('gone', [breaks, continued({ status: 404 }), { ...whole, answer: { status: 404 } }]);
    await expect(failure).rejects.toMatchObject({ code: 'BLOB_UNKNOWN', temporary: false });
  });

  it('keeps the parts that were sent, and reads past them', async () => {
    const server = await startScriptedServer([breaks, continued({ status: 416 }), breaks, whole]);
    const source = new RegistryRepository(clientFor(server), 'r.example', 'a');
    const parts = new PartSource(
      blob,
      (offset) => source.blob(blob, { offset }),
      { offset: 0, digest: await createResumableDigest('sha256') },
      new AbortController().signal,
    );
    const read: Buffer[] = [];
    for (let part = await parts.next(70_000); part; part = await parts.next(70_000))
      read.push(Buffer.from(part.bytes));
    expect(read.map(({ length }) => length)).toEqual([70_000, 70_000, 70_000, 70_000, 20_000]);
    expect(Buffer.concat(read)).toEqual(bytes);
  });
});
