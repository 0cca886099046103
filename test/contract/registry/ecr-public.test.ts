import { afterEach, describe, expect, it, vi } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { knownRegistry } from '../../../core/registry/known-registries.ts';
import {
  type ScriptedServer,
  type ScriptedStep,
  startScriptedServer,
} from '../../support/scripted-server.ts';
import { basic, clientFor, collect, errorOf, listed } from './client-for.ts';

/**
 * What public.ecr.aws does, as its users report it:
 * https://github.com/aws/containers-roadmap/issues/2835 and /2091,
 * https://github.com/kreuzwerker/terraform-provider-docker/pull/666.
 */
const repository = 'docker/library/alpine';
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [],
});
const digest = digestOf(Buffer.from(manifest));

/** The scope is no repository's, and the realm ends in a slash. */
const challenge = ({ origin }: ScriptedServer) => ({
  'www-authenticate': `Bearer realm="${origin}/token/",service="public.ecr.aws",scope="aws"`,
});

const head = (authorization: string | null, answer: ScriptedStep['answer']): ScriptedStep => ({
  request: `HEAD /v2/${repository}/manifests/3.20`,
  headers: { authorization },
  answer,
});
const found = {
  status: 200,
  headers: {
    'content-type': 'application/vnd.oci.image.index.v1+json',
    'docker-content-digest': digest,
    'content-length': String(manifest.length),
  },
};

/** The token is asked for `aws` and our own scope; the answer has no `expires_in`. */
const token = (value: string, authorization: string | null = null): ScriptedStep => ({
  request: `GET /token/?service=public.ecr.aws&scope=aws&scope=${encodeURIComponent(`repository:${repository}:pull`)}`,
  headers: { authorization },
  answer: { status: 200, body: { token: value } },
});

afterEach(() => {
  vi.useRealTimers();
});

describe('ECR Public', () => {
  it('is known by its name, with the token service on the same host', () => {
    expect(knownRegistry('public.ecr.aws')).toEqual({ endpoint: 'https://public.ecr.aws', authHosts: [] });
  });

  it('is read with an anonymous token, which every later request carries', async () => {
    const server = await startScriptedServer();
    server.expect(
      head(null, { status: 401, headers: challenge(server) }),
      token('eyJhbm9u'),
      head('Bearer eyJhbm9u', found),
      {
        request: `GET /v2/${repository}/tags/list?n=1000`,
        headers: { authorization: 'Bearer eyJhbm9u' },
        answer: { status: 200, body: { name: repository, tags: ['3.20', '3.19'] } },
      },
    );
    const client = clientFor(server);
    expect(await client.headManifest(repository, '3.20')).toMatchObject({ digest });
    expect(await listed(client.listTags(repository))).toEqual(['3.20', '3.19']);
  });

  it('logs in at its token service: the registry itself takes no Basic authentication', async () => {
    const server = await startScriptedServer();
    server.expect(
      head(null, { status: 401, headers: challenge(server) }),
      token('eyJ1c2Vy', basic('AWS', 'password-of-12-hours')),
      head('Bearer eyJ1c2Vy', found),
    );
    const credentials = async () => ({ username: 'AWS', password: 'password-of-12-hours' });
    expect(await clientFor(server, { credentials }).headManifest(repository, '3.20')).toMatchObject({
      digest,
    });
  });

  it('gets a new token each minute, since it answers 400 without a challenge to an old one', async () => {
    const server = await startScriptedServer();
    server.expect(
      head(null, { status: 401, headers: challenge(server) }),
      token('one'),
      head('Bearer one', found),
      token('two'),
      head('Bearer two', found),
    );
    const client = clientFor(server);
    await client.headManifest(repository, '3.20');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
    expect(await client.headManifest(repository, '3.20')).toMatchObject({ digest });
  });

  it('sends no token to the CDN that it redirects layers to', async () => {
    const layer = Buffer.from('layer');
    const cdn = await startScriptedServer([
      { request: 'GET /layer?sig=1', headers: { authorization: null }, answer: { status: 200, body: layer } },
    ]);
    const server = await startScriptedServer();
    const path = `GET /v2/${repository}/blobs/${digestOf(layer)}`;
    server.expect(
      {
        request: path,
        headers: { authorization: null },
        answer: { status: 401, headers: challenge(server) },
      },
      token('t'),
      {
        request: path,
        headers: { authorization: 'Bearer t' },
        answer: { status: 307, headers: { location: `${cdn.origin}/layer?sig=1` } },
      },
    );
    const blob = await clientFor(server).getBlob(repository, { digest: digestOf(layer), size: layer.length });
    expect(await collect(blob)).toEqual(layer);
  });

  it('is told apart from a login that expired: 400 is an error that says what it answered', async () => {
    const server = await startScriptedServer();
    const path = `/v2/${repository}/manifests/3.20`;
    const denied = { errors: [{ code: 'DENIED', message: 'Your Authorization Token is invalid.' }] };
    server.expect(
      { request: `GET ${path}`, answer: { status: 401, headers: challenge(server) } },
      token('t'),
      { request: `GET ${path}`, answer: { status: 400, body: denied } },
    );
    const error = await errorOf(clientFor(server).getManifest(repository, '3.20'));
    expect(error.message).toContain('Your Authorization Token is invalid.');
  });
});
