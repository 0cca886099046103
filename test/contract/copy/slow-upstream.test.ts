import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { copyBlob } from '../../../core/copy/blob/copy-blob.ts';
import { RegistryRepository } from '../../../core/copy/registry-repository.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { startRegistry } from '../../../local/ecr/server.ts';
import { repositoryAt } from '../../support/copying.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';
import { seededBytes } from '../../support/seeded-layer.ts';
import { clientFor } from '../registry/client-for.ts';

const bytes = Buffer.from(seededBytes('slow', 300_000));
const blob = { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length };
const request = `GET /v2/a/blobs/${blob.digest}`;
const none = { pause: async () => {} };

/** An upstream that answers requests for the blob with this function. */
const upstreamWith = async (...answers: ((response: ServerResponse) => void)[]) => {
  const server = await startScriptedServer(answers.map((answer) => ({ request, answer })));
  return new RegistryRepository(clientFor(server), 'up.example', 'a');
};

describe('a blob whose first byte is late', () => {
  it('gets a connection to the mirror only when it arrives, and not one that is about to be closed', async () => {
    const mirror = await startRegistry({ flavour: 'distribution' });
    onTestFinished(() => mirror.stop());
    let release = () => {};
    const source = await upstreamWith((response) => {
      release = () => void response.writeHead(200, { 'content-length': String(bytes.length) }).end(bytes);
    });
    const destination = repositoryAt(mirror, 'late', { side: 'mirror' });
    const copying = copyBlob(source, destination, blob, none);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(mirror.requests.map(({ method }) => method)).toEqual(['POST']);
    // This happens to idle connections at many registries.
    mirror.faults.add({ match: { method: 'PUT', times: 0 }, action: { kind: 'cut' } });
    release();
    expect(await copying).toBe('copied');
    expect(mirror.requests.map(({ method }) => method)).toEqual(['POST', 'PUT']);
  });
});

describe('an upload that the mirror ends', () => {
  /** A mirror that opens uploads, and ends each one when it likes. */
  const mirrorThat = async (end: (socket: Socket, request: IncomingMessage) => void, attempts: number) => {
    const server = await startScriptedServer();
    const start = `POST /v2/b/blobs/uploads/?mount=${encodeURIComponent(blob.digest)}&from=b`;
    for (let n = 0; n < attempts; n += 1) {
      server.expect(
        { request: start, answer: { status: 202, headers: { location: `/upload/${n}` } } },
        {
          request: `PUT /upload/${n}?digest=${encodeURIComponent(blob.digest)}`,
          answer: (response, received) => end(response.socket as Socket, received),
        },
        { request: `DELETE /upload/${n}`, answer: { status: 202 } },
      );
    }
    return new RegistryRepository(clientFor(server, { side: 'mirror' }), 'mirror.example', 'b');
  };
  const half = (response: ServerResponse) => {
    response.writeHead(200, { 'content-length': String(bytes.length) });
    response.write(bytes.subarray(0, 150_000));
  };

  it('is the upstream’s failure if the upstream has gone silent', async () => {
    const destination = await mirrorThat((socket, received) => {
      received.resume();
      setTimeout(() => socket.destroy(), 300);
    }, 1);
    const copying = copyBlob(await upstreamWith(half), destination, blob, {
      ...none,
      attempts: 1,
      silenceMs: 100,
    });
    const error = (await copying.catch((failure: unknown) => failure)) as Error;
    expect(error).toMatchObject({ side: 'upstream', code: 'TIMEOUT', temporary: true });
    expect(error.message).toMatch(
      /no byte arrived for .* and the upload to mirror\.example\/b ended in the meantime/,
    );
  });

  it('is the mirror’s failure if bytes came', async () => {
    const destination = await mirrorThat(async (socket, received) => {
      received.resume();
      await once(received, 'data');
      socket.destroy();
    }, 1);
    const copying = copyBlob(await upstreamWith(half), destination, blob, { ...none, attempts: 1 });
    await expect(copying).rejects.toMatchObject({ side: 'mirror', code: 'CONNECTION' });
  });
});
