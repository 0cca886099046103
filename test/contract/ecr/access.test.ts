import { describe, expect, it } from 'vitest';
import { pushImage, seededImage } from '../../support/seeded-image.ts';
import { errorsOf, runEcr, runRegistry } from './ecr-fixture.ts';

const image = seededImage({ seed: 'image', layers: [{ size: 100 }] });
const basic = (username: string, password: string) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** An ECR with an image. Requests carry no credentials unless given. */
async function runPushed(auth: boolean) {
  const { registry, authorization } = await runEcr({ auth });
  await pushImage(registry.endpoint, 'team/app', 'v1', image, { authorization });
  const ask = (path: string, header?: string, method = 'GET') =>
    fetch(`${registry.endpoint}/v2/${path}`, {
      method,
      headers: header === undefined ? {} : { authorization: header },
    });
  return { registry, authorization, ask };
}

describe("access to ECR's registry protocol", () => {
  it('always asks for Basic credentials at /v2/', async () => {
    const { registry, authorization, ask } = await runPushed(false);
    const ping = await ask('');
    expect(ping.status).toBe(401);
    expect(ping.headers.get('www-authenticate')).toBe(
      `Basic realm="${registry.endpoint}/",service="ecr.amazonaws.com"`,
    );
    expect((await ask('', authorization)).status).toBe(200);
  });

  it('lets this machine pull without credentials or with empty ones, but push only with the token', async () => {
    const { ask } = await runPushed(false);
    for (const header of [undefined, basic('', '')]) {
      expect((await ask('team/app/manifests/v1', header)).status).toBe(200);
      expect((await ask(`team/app/blobs/${image.config.digest}`, header)).status).toBe(200);
      expect((await ask('team/app/blobs/uploads/', header, 'POST')).status).toBe(401);
      expect((await ask('team/app/manifests/v2', header, 'PUT')).status).toBe(401);
    }
  });

  it('lets nobody pull without credentials if auth is on', async () => {
    const { ask, authorization } = await runPushed(true);
    for (const header of [undefined, basic('', '')]) {
      expect((await ask('team/app/manifests/v1', header)).status).toBe(401);
      expect((await ask('team/app/tags/list', header)).status).toBe(401);
    }
    expect((await ask('team/app/manifests/v1', authorization)).status).toBe(200);
  });

  it.each([
    ['another user', (password: string) => basic('aws', password)],
    ['another password', () => basic('AWS', 'guess')],
    ['a bearer token', (password: string) => `Bearer ${password}`],
    ['no base64', () => 'Basic ???'],
  ])('refuses %s, for pulls too', async (_, header) => {
    const { ask, registry } = await runPushed(false);
    expect((await ask('team/app/manifests/v1', header(registry.password))).status).toBe(401);
  });

  it('answers 403 to an expired token, without a challenge (flipt-io/flipt#3043)', async () => {
    const { ask, registry, authorization } = await runPushed(false);
    registry.rotatePassword();
    const expired = await ask('team/app/manifests/v1', authorization);
    expect(expired.status).toBe(403);
    expect(expired.headers.get('www-authenticate')).toBeNull();
    expect(await errorsOf(expired)).toEqual([
      { code: 'DENIED', message: 'Your authorization token has expired. Reauthenticate and try again.' },
    ]);
    expect((await ask('team/app/manifests/v1', registry.authorization)).status).toBe(200);
  });

  it('remembers how a request authenticated itself, but no secret', async () => {
    const { ask, registry, authorization } = await runPushed(false);
    const redirect = await ask(`team/app/blobs/${image.config.digest}`);
    await redirect.arrayBuffer();
    registry.clearRequests();
    await ask('team/app/manifests/v1');
    await ask('team/app/manifests/v1', authorization);
    await fetch(redirect.url);
    expect(registry.requests.map((request) => [request.status, request.authorization])).toEqual([
      [200, 'none'],
      [200, 'basic'],
      [200, 'none'],
    ]);
    expect(registry.requests[2]).toMatchObject({ path: `/layers/${image.config.digest}`, query: 'token=' });
    expect(JSON.stringify(registry.requests)).not.toContain(registry.password);
  });
});

describe('access to a plain registry', () => {
  const credentials = { username: 'user', password: 'pass:word' };

  it('asks for Basic credentials if some are configured', async () => {
    const registry = await runRegistry({ flavour: 'distribution', credentials });
    const refused = await fetch(`${registry.endpoint}/v2/a/tags/list`);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      'Basic realm="registry"',
    ]);
    const authorization = basic('user', 'pass:word');
    await pushImage(registry.endpoint, 'a', 'v1', image, { authorization });
    expect(registry.tag('a', 'v1')).toBe(image.manifest.digest);
  });

  /** Follows a challenge as clients do. */
  async function tokenFor(challenged: Response, authorization?: string) {
    const challenge = challenged.headers.get('www-authenticate') ?? '';
    const field = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? '';
    const url = new URL(field('realm'));
    url.searchParams.set('service', field('service'));
    for (const scope of field('scope').split(' ')) url.searchParams.append('scope', scope);
    const answer = await fetch(url, { headers: authorization === undefined ? {} : { authorization } });
    return { scope: field('scope'), answer, challenge };
  }

  it('hands out bearer tokens for what its challenge names', async () => {
    const registry = await runRegistry({ flavour: 'distribution', credentials, tokens: {} });
    const refused = await fetch(`${registry.endpoint}/v2/a/b/blobs/uploads/`, { method: 'POST' });
    expect(refused.status).toBe(401);
    const { scope, answer } = await tokenFor(refused, basic('user', 'pass:word'));
    expect(scope).toBe('repository:a/b:pull,push');
    const { token, expires_in } = (await answer.json()) as { token: string; expires_in: number };
    expect(expires_in).toBe(300);
    await pushImage(registry.endpoint, 'a/b', 'v1', image, { authorization: `Bearer ${token}` });
    const elsewhere = await fetch(`${registry.endpoint}/v2/a/c/tags/list`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(elsewhere.status).toBe(401);
    expect(elsewhere.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
  });

  it('lets clients without credentials only pull, unless it is told otherwise', async () => {
    for (const [anonymous, pull, push] of [
      ['pull', 404, 401],
      ['push', 404, 202],
      ['none', 401, 401],
    ] as const) {
      const registry = await runRegistry({ flavour: 'distribution', credentials, tokens: { anonymous } });
      const get = async (method: string, path: string) => {
        const refused = await fetch(`${registry.endpoint}/v2/${path}`, { method });
        const { answer } = await tokenFor(refused);
        if (!answer.ok) return answer.status;
        const { token } = (await answer.json()) as { token: string };
        const headers = { authorization: `Bearer ${token}` };
        return (await fetch(`${registry.endpoint}/v2/${path}`, { method, headers })).status;
      };
      expect(await get('GET', 'a/b/manifests/v1'), anonymous).toBe(pull);
      expect(await get('POST', 'a/b/blobs/uploads/'), anonymous).toBe(push);
    }
  });

  it('refuses wrong credentials at the token service, forged and expired tokens at the registry', async () => {
    const registry = await runRegistry({ flavour: 'distribution', credentials, tokens: { expiresIn: 0 } });
    const refused = await fetch(`${registry.endpoint}/v2/a/b/tags/list`);
    expect((await tokenFor(refused, basic('user', 'wrong'))).answer.status).toBe(401);
    const { token } = (await (await tokenFor(refused)).answer.json()) as { token: string };
    for (const value of [token, `${token}x`, 'a.b']) {
      const answer = await fetch(`${registry.endpoint}/v2/a/b/tags/list`, {
        headers: { authorization: `Bearer ${value}` },
      });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    }
  });
});
