import { describe, expect, it, vi } from 'vitest';
import { SecretError } from '../../../core/aws/secrets.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import {
  type ScriptedServer,
  type ScriptedStep,
  startScriptedServer,
} from '../../support/scripted-server.ts';
import { basic, clientFor, errorOf } from './client-for.ts';

const challenge = (server: ScriptedServer, scope = 'repository:a:pull') => ({
  'www-authenticate': `Bearer realm="${server.origin}/token",service="s",scope="${scope}"`,
});
const tokenPath = (...scopes: string[]) =>
  `GET /token?service=s${scopes.map((scope) => `&scope=${encodeURIComponent(scope)}`).join('')}`;
const credentials = async () => ({ username: 'u', password: 'hunter22' });
const head = (authorization: string | null, answer: ScriptedStep['answer'], tag = '1'): ScriptedStep => ({
  request: `HEAD /v2/a/manifests/${tag}`,
  headers: { authorization },
  answer,
});
const found = { status: 200 };

describe('a login that expires', () => {
  it('is asked for again ten minutes before', async () => {
    const server = await startScriptedServer();
    const withLogin = (password: string, sent = basic('AWS', password)) => head(sent, found);
    server.expect(
      head(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="ecr"' } }),
      withLogin('one'),
      withLogin('one'),
      withLogin('two'),
    );
    const now = Date.now();
    const logins = ['one', 'two'].map((password) => ({
      username: 'AWS',
      password,
      expiresAt: now + 12 * 3_600_000,
    }));
    const client = clientFor(server, { credentials: async () => logins.shift() });
    await client.headManifest('a', '1');
    vi.useFakeTimers({ toFake: ['Date'], now: now + 11.8 * 3_600_000 });
    try {
      await client.headManifest('a', '1');
      vi.setSystemTime(now + 11.9 * 3_600_000);
      await client.headManifest('a', '1');
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('Bearer', () => {
  it('follows the challenge, and sends the token at once with later requests', async () => {
    const server = await startScriptedServer();
    server.expect(
      head(null, { status: 401, headers: challenge(server) }),
      {
        request: tokenPath('repository:a:pull'),
        headers: { authorization: basic('u', 'hunter22'), accept: 'application/json' },
        answer: { status: 200, body: { token: 't1', expires_in: 300 } },
      },
      head('Bearer t1', found),
      head('Bearer t1', found, '2'),
      // Another repository has its own token; the service is known by now.
      { request: tokenPath('repository:b:pull'), answer: { status: 200, body: { token: 't2' } } },
      { request: 'HEAD /v2/b/manifests/1', headers: { authorization: 'Bearer t2' }, answer: found },
    );
    const client = clientFor(server, { credentials });
    await client.headManifest('a', '1');
    await client.headManifest('a', '2');
    await client.headManifest('b', '1');
  });

  it('shares one token fetch among requests that need the same scope', async () => {
    const server = await startScriptedServer([], { anyOrder: true });
    const tags = ['1', '2', '3', '4'];
    server.expect(
      ...tags.map((tag) => head(null, { status: 401, headers: challenge(server) }, tag)),
      {
        request: tokenPath('repository:a:pull'),
        answer: (response) => setTimeout(() => response.end(JSON.stringify({ token: 't' })), 50),
      },
      ...tags.map((tag) => head('Bearer t', found, tag)),
    );
    const client = clientFor(server);
    await Promise.all(tags.map((tag) => client.headManifest('a', tag)));
    expect(server.requests.filter(({ path }) => path.startsWith('/token'))).toHaveLength(1);
  });

  it('gets a new token when the registry rejects the current one', async () => {
    const server = await startScriptedServer();
    server.expect(
      head(null, { status: 401, headers: challenge(server) }),
      { request: tokenPath('repository:a:pull'), answer: { status: 200, body: { token: 'old' } } },
      head('Bearer old', found),
      head('Bearer old', { status: 401, headers: challenge(server) }, '2'),
      { request: tokenPath('repository:a:pull'), answer: { status: 200, body: { token: 'new' } } },
      head('Bearer new', found, '2'),
    );
    const client = clientFor(server);
    await client.headManifest('a', '1');
    await client.headManifest('a', '2');
  });

  it('gets a new token shortly before the current one expires', async () => {
    const server = await startScriptedServer();
    server.expect(
      head(null, { status: 401, headers: challenge(server) }),
      {
        request: tokenPath('repository:a:pull'),
        answer: { status: 200, body: { token: 'old', expires_in: 300 } },
      },
      head('Bearer old', found),
      head('Bearer old', found, '2'),
      { request: tokenPath('repository:a:pull'), answer: { status: 200, body: { token: 'new' } } },
      head('Bearer new', found, '3'),
    );
    const client = clientFor(server);
    const now = Date.now();
    const clock = vi.spyOn(Date, 'now').mockReturnValue(now);
    await client.headManifest('a', '1');
    clock.mockReturnValue(now + 280_000);
    await client.headManifest('a', '2');
    clock.mockReturnValue(now + 290_000);
    await client.headManifest('a', '3');
  });

  it('asks for the challenge’s scope too, and keeps doing so', async () => {
    const server = await startScriptedServer();
    const wanted = tokenPath('*', 'repository:a:pull');
    server.expect(
      head(null, { status: 401, headers: challenge(server, '*') }),
      { request: wanted, answer: { status: 200, body: { token: 't1' } } },
      head('Bearer t1', { status: 401, headers: challenge(server, '*') }),
      { request: wanted, answer: { status: 200, body: { token: 't2' } } },
      head('Bearer t2', found),
    );
    await clientFor(server).headManifest('a', '1');
  });

  it('gives up when fresh tokens are rejected too, with the registry’s own reason', async () => {
    const server = await startScriptedServer();
    const rejected = {
      status: 401,
      headers: challenge(server),
      body: { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required for t-secret-3' }] },
    };
    const get = (authorization: string | null): ScriptedStep => ({
      request: 'GET /v2/a/manifests/1',
      headers: { authorization },
      answer: rejected,
    });
    const token = (value: string): ScriptedStep => ({
      request: tokenPath('repository:a:pull'),
      answer: { status: 200, body: { token: value } },
    });
    server.expect(
      get(null),
      token('t-secret-2'),
      get('Bearer t-secret-2'),
      token('t-secret-3'),
      get('Bearer t-secret-3'),
    );
    const error = await errorOf(clientFor(server).getManifest('a', '1'));
    expect(error).toMatchObject({ code: 'UNAUTHORIZED', status: 401, temporary: false });
    expect(error.message).toContain('authentication required for REDACTED');
  });

  it('reads rotated credentials again', async () => {
    const server = await startScriptedServer();
    server.expect(
      head(null, { status: 401, headers: challenge(server) }),
      {
        request: tokenPath('repository:a:pull'),
        headers: { authorization: basic('u', 'old-password') },
        answer: { status: 401, body: { details: 'incorrect username or password' } },
      },
      {
        request: tokenPath('repository:a:pull'),
        headers: { authorization: basic('u', 'new-password') },
        answer: { status: 200, body: { token: 't' } },
      },
      head('Bearer t', found),
    );
    // Like a cache, which returns the rejected ones again unless asked for others.
    const source = vi.fn(async ({ fresh }: { fresh: boolean }) => ({
      username: 'u',
      password: fresh ? 'new-password' : 'old-password',
    }));
    await clientFor(server, { credentials: source }).headManifest('a', '1');
    expect(source.mock.calls).toEqual([[{ fresh: false }], [{ fresh: true }]]);
  });

  it('says so when the token service rejects the credentials, and does not show them', async () => {
    const server = await startScriptedServer();
    server.expect(head(null, { status: 401, headers: challenge(server) }), {
      request: tokenPath('repository:a:pull'),
      answer: { status: 401, body: { details: `no: ${basic('u', 'hunter22')} hunter22` } },
    });
    const error = await errorOf(clientFor(server, { credentials }).headManifest('a', '1'));
    expect(error).toMatchObject({ code: 'UNAUTHORIZED', operation: 'authenticate', temporary: false });
    expect(error.message).toMatch(/token service http.*answered 401, “no: /);
    expect(error.message).not.toMatch(/hunter22|dTpodW50ZXIyMg/);
    expect(error.remedy).toContain('credentials for r.example');
  });

  it('retries when the token service has trouble', async () => {
    const server = await startScriptedServer();
    server.expect(
      head(null, { status: 401, headers: challenge(server) }),
      { request: tokenPath('repository:a:pull'), answer: { status: 503 } },
      { request: tokenPath('repository:a:pull'), answer: { status: 200, body: { token: 't' } } },
      head('Bearer t', found),
    );
    await clientFor(server).headManifest('a', '1');
  });

  it('asks the registry again where its token service has moved', async () => {
    const server = await startScriptedServer();
    const moved = { 'www-authenticate': `Bearer realm="${server.origin}/new-token"` };
    server.expect(
      head(null, { status: 401, headers: challenge(server) }),
      { request: tokenPath('repository:a:pull'), answer: { status: 200, body: { token: 't1' } } },
      head('Bearer t1', found),
      { request: tokenPath('repository:b:pull'), answer: { status: 404 } },
      {
        request: 'HEAD /v2/b/manifests/1',
        headers: { authorization: null },
        answer: { status: 401, headers: moved },
      },
      {
        request: 'GET /new-token?scope=repository%3Ab%3Apull',
        answer: { status: 200, body: { token: 't2' } },
      },
      { request: 'HEAD /v2/b/manifests/1', headers: { authorization: 'Bearer t2' }, answer: found },
    );
    const client = clientFor(server);
    await client.headManifest('a', '1');
    await client.headManifest('b', '1');
  });

  it('asks that only once, and then blames the token service', async () => {
    const server = await startScriptedServer();
    const gone: ScriptedStep = { request: tokenPath('repository:b:pull'), answer: { status: 404 } };
    server.expect(
      head(null, { status: 401, headers: challenge(server) }),
      { request: tokenPath('repository:a:pull'), answer: { status: 200, body: { token: 't1' } } },
      head('Bearer t1', found),
      gone,
      {
        request: 'HEAD /v2/b/manifests/1',
        headers: { authorization: null },
        answer: { status: 401, headers: challenge(server, 'repository:b:pull') },
      },
      gone,
    );
    const client = clientFor(server);
    await client.headManifest('a', '1');
    expect(await errorOf(client.headManifest('b', '1'))).toMatchObject({
      operation: 'authenticate',
      status: 404,
    });
  });

  it('does not ask the registry again while its token service limits the rate', async () => {
    const server = await startScriptedServer();
    server.expect(
      head(null, { status: 401, headers: challenge(server) }),
      { request: tokenPath('repository:a:pull'), answer: { status: 200, body: { token: 't1' } } },
      head('Bearer t1', found),
      { request: tokenPath('repository:b:pull'), answer: { status: 429 } },
    );
    const client = clientFor(server, { retry: { attempts: 1 } });
    await client.headManifest('a', '1');
    expect(await errorOf(client.headManifest('b', '1'))).toMatchObject({ status: 429, temporary: true });
  });

  it('treats the failure of a streamed upload that went without a token as temporary', async () => {
    const server = await startScriptedServer([
      {
        request: 'POST /v2/a/blobs/uploads/',
        answer: { status: 202, headers: { location: '/v2/a/blobs/uploads/1' } },
      },
    ]);
    const digest = digestOf(Buffer.from('x'));
    server.expect({
      request: `PUT /v2/a/blobs/uploads/1?digest=${encodeURIComponent(digest)}`,
      headers: { authorization: null },
      body: 'x',
      answer: { status: 401, headers: challenge(server) },
    });
    const client = clientFor(server);
    const started = await client.startUpload('a');
    if (started.kind !== 'session') throw new Error('it should be a session');
    const body = (async function* () {
      yield Buffer.from('x');
    })();
    const put = client.putBlob(started.session, { digest, size: 1 }, body);
    expect(await errorOf(put)).toMatchObject({ code: 'UNAUTHORIZED', temporary: true });
  });

  it('quotes nothing from an untrusted token service', async () => {
    const auth = await startScriptedServer([
      {
        request: 'GET /token?scope=repository%3Aa%3Apull',
        answer: { status: 403, body: { errors: [{ code: 'AKIA', message: 'AKIAIOSFODNN7EXAMPLE' }] } },
      },
    ]);
    const headers = { 'www-authenticate': `Bearer realm="${auth.origin}/token"` };
    const server = await startScriptedServer([head(null, { status: 401, headers })]);
    const error = await errorOf(clientFor(server).headManifest('a', '1'));
    expect(error).toMatchObject({ code: 'DENIED', status: 403 });
    expect(error.message).not.toContain('AKIA');
  });

  it.each([
    ['is not JSON', 'hello'],
    ['has no token', '{"token":""}'],
    ['has an invalid token', '{"token":"a b\\r\\nX-Injected: 1"}'],
  ])('refuses a token answer that %s', async (_, body) => {
    const server = await startScriptedServer();
    server.expect(head(null, { status: 401, headers: challenge(server) }), {
      request: tokenPath('repository:a:pull'),
      answer: { status: 200, body },
    });
    expect(await errorOf(clientFor(server).headManifest('a', '1'))).toMatchObject({ code: 'ANSWER_INVALID' });
  });

  it('reads no more than 1 MiB of a token answer', async () => {
    const server = await startScriptedServer();
    server.expect(head(null, { status: 401, headers: challenge(server) }), {
      request: tokenPath('repository:a:pull'),
      answer: (response) => {
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536, ' ')));
          response.once('drain', more);
        };
        more();
      },
    });
    expect(await errorOf(clientFor(server).headManifest('a', '1'))).toMatchObject({
      code: 'ANSWER_TOO_LARGE',
      message: expect.stringContaining('1048576 bytes'),
    });
  });

  it('does not follow a redirect of the token service to another host', async () => {
    const other = await startScriptedServer();
    const server = await startScriptedServer();
    server.expect(head(null, { status: 401, headers: challenge(server) }), {
      request: tokenPath('repository:a:pull'),
      answer: { status: 307, headers: { location: `${other.origin}/t` } },
    });
    await errorOf(clientFor(server, { credentials }).headManifest('a', '1'));
    expect(other.requests).toEqual([]);
  });
});

describe('an impossible login', () => {
  it.each([
    ['no challenge', undefined, /does not say how to log in/],
    ['another scheme', 'Negotiate', /with Bearer tokens or Basic/],
    ['a realm that is not a URL', 'Bearer realm="x"', /check the endpoint/],
    ['a realm that names a user', 'Bearer realm="http://u:p@127.0.0.1/t"', /check the endpoint/],
    ['a realm at a private address', 'Bearer realm="http://10.0.0.9/t"', /authHosts: \["10\.0\.0\.9"\]/],
  ])('for %s has its own remedy, which is not to log in', async (_, value, remedy) => {
    const headers: Record<string, string> = value === undefined ? {} : { 'www-authenticate': value };
    const server = await startScriptedServer([head(null, { status: 401, headers })]);
    const error = await errorOf(clientFor(server).headManifest('a', '1'));
    expect(error).toMatchObject({
      code: 'UNAUTHORIZED',
      isExplained: true,
      remedy: expect.stringMatching(remedy),
    });
  });
});

describe('an identity token', () => {
  const login = async () => ({ identityToken: 'refresh/token+' });
  const form =
    'grant_type=refresh_token&client_id=drayage&refresh_token=refresh%2Ftoken%2B&service=s&scope=repository%3Aa%3Apull';

  it('is exchanged for a token through a refresh grant, even behind a redirect', async () => {
    const server = await startScriptedServer();
    server.expect(
      head(null, { status: 401, headers: challenge(server) }),
      { request: 'POST /token', body: form, answer: { status: 308, headers: { location: '/oauth2' } } },
      {
        request: 'POST /oauth2',
        headers: { authorization: null, 'content-type': 'application/x-www-form-urlencoded' },
        body: form,
        answer: { status: 200, body: { access_token: 't', refresh_token: 'another', expires_in: 300 } },
      },
      head('Bearer t', found),
    );
    expect(await clientFor(server, { credentials: login }).headManifest('a', '1')).toBeDefined();
  });

  it.each([400, 401])('is read again when it is refused with %i, and never shown', async (status) => {
    const server = await startScriptedServer();
    const body = { error: 'invalid_grant', error_description: 'refresh/token+ has expired' };
    server.expect(head(null, { status: 401, headers: challenge(server) }), {
      request: 'POST /token',
      answer: { status, body },
    });
    const read = vi.fn(login);
    const error = await errorOf(clientFor(server, { credentials: read }).headManifest('a', '1'));
    expect(read.mock.calls).toEqual([[{ fresh: false }], [{ fresh: true }]]);
    expect(error.message).toContain('has expired');
    expect(error.message).not.toContain('refresh/token+');
  });

  it('is not a password', async () => {
    const server = await startScriptedServer([
      head(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
    ]);
    const error = await errorOf(clientFor(server, { credentials: login }).headManifest('a', '1'));
    expect(error.message).toContain('the login is an identity token');
  });
});

describe('credentials', () => {
  it('go to a token service on another host only if authHosts names it', async () => {
    const auth = await startScriptedServer([
      {
        request: 'GET /token?scope=repository%3Aa%3Apull',
        headers: { authorization: basic('u', 'hunter22') },
        answer: { status: 200, body: { token: 't' } },
      },
    ]);
    const headers = { 'www-authenticate': `Bearer realm="${auth.origin}/token"` };
    const server = await startScriptedServer([
      head(null, { status: 401, headers }),
      head(null, { status: 401, headers }),
      head('Bearer t', found),
    ]);
    const error = await errorOf(clientFor(server, { credentials }).headManifest('a', '1'));
    expect(error).toMatchObject({ code: 'UNAUTHORIZED', temporary: false });
    expect(error.remedy).toContain(`authHosts: ["${auth.host}"]`);
    expect(auth.requests).toEqual([]);
    await clientFor(server, { credentials, authHosts: [auth.host] }).headManifest('a', '1');
  });

  it('are not read before a challenge asks for them', async () => {
    const server = await startScriptedServer([head(null, found)]);
    const read = vi.fn(credentials);
    await clientFor(server, { credentials: read }).headManifest('a', '1');
    expect(read).not.toHaveBeenCalled();
  });

  it('that cannot be read are reported with the reason', async () => {
    const server = await startScriptedServer();
    server.expect(head(null, { status: 401, headers: challenge(server) }));
    const client = clientFor(server, {
      credentials: async () => Promise.reject(new Error('AccessDenied: secret x')),
      retry: { attempts: 1 },
    });
    expect(await errorOf(client.headManifest('a', '1'))).toMatchObject({
      code: 'CREDENTIALS_UNAVAILABLE',
      temporary: true,
      message: expect.stringContaining('AccessDenied: secret x'),
    });
  });
});

describe('credentials whose source says', () => {
  it.each([false, true])('what to do are reported with that, as temporary: %s', async (temporary) => {
    const server = await startScriptedServer();
    server.expect(head(null, { status: 401, headers: challenge(server) }));
    const told = {
      code: temporary ? 'SECRET_UNAVAILABLE' : 'SECRET_UNUSABLE',
      remedy: 'create it',
      temporary,
    };
    const client = clientFor(server, {
      credentials: async () =>
        Promise.reject(new SecretError('x', { problem: 'is not there', remedy: 'create it', temporary })),
      retry: { attempts: temporary ? 1 : 4 },
    });
    const error = await errorOf(client.headManifest('a', '1'));
    expect(error).toMatchObject({ name: 'RegistryError', side: 'upstream', ...told });
    expect(error.message).toContain('the secret x is not there');
  });
});

describe('Basic', () => {
  const wantsBasic = {
    status: 401,
    headers: { 'www-authenticate': 'Basic realm="https://x/",service="ecr.amazonaws.com"' },
  };

  it('is sent after the challenge, and at once with later requests', async () => {
    const server = await startScriptedServer([
      head(null, wantsBasic),
      head(basic('u', 'hunter22'), found),
      head(basic('u', 'hunter22'), found, '2'),
    ]);
    const read = vi.fn(credentials);
    const client = clientFor(server, { credentials: read });
    await client.headManifest('a', '1');
    await client.headManifest('a', '2');
    expect(read).toHaveBeenCalledOnce();
  });

  it('reads credentials again once they are rejected, since ECR’s token lives for twelve hours', async () => {
    const server = await startScriptedServer([
      head(null, wantsBasic),
      head(basic('AWS', 'first-token'), found),
      head(basic('AWS', 'first-token'), wantsBasic, '2'),
      head(basic('AWS', 'second-token'), found, '2'),
    ]);
    const passwords = ['first-token', 'second-token'];
    const client = clientFor(server, {
      credentials: async () => ({ username: 'AWS', password: passwords.shift() ?? 'none left' }),
    });
    await client.headManifest('a', '1');
    await client.headManifest('a', '2');
  });

  it('does not send the same credentials twice when they are wrong', async () => {
    const server = await startScriptedServer([
      head(null, wantsBasic),
      head(basic('u', 'hunter22'), wantsBasic),
    ]);
    expect(await errorOf(clientFor(server, { credentials }).headManifest('a', '1'))).toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringContaining('rejected the credentials'),
    });
  });

  it('is refused without credentials', async () => {
    const server = await startScriptedServer([head(null, wantsBasic)]);
    expect(await errorOf(clientFor(server).headManifest('a', '1'))).toMatchObject({
      code: 'UNAUTHORIZED',
      status: 401,
    });
  });

  it('is used if Bearer’s token service may not be asked', async () => {
    const headers = { 'www-authenticate': 'Bearer realm="https://evil.example/t", Basic realm="x"' };
    const server = await startScriptedServer([
      head(null, { status: 401, headers }),
      head(basic('u', 'hunter22'), found),
    ]);
    await clientFor(server, { credentials }).headManifest('a', '1');
  });
});

describe('ping', () => {
  it('needs a token without scope', async () => {
    const server = await startScriptedServer();
    server.expect(
      {
        request: 'GET /v2/',
        headers: { 'user-agent': /^drayage\/\d+\.\d+\.\d+$/ },
        answer: {
          status: 401,
          headers: { 'www-authenticate': `Bearer realm="${server.origin}/token",service="s"` },
        },
      },
      { request: 'GET /token?service=s', answer: { status: 200, body: { token: 't' } } },
      { request: 'GET /v2/', headers: { authorization: 'Bearer t' }, answer: { status: 200, body: '{}' } },
    );
    await clientFor(server).ping();
  });

  it('fails if there is no registry', async () => {
    const server = await startScriptedServer([
      { request: 'GET /v2/', answer: { status: 404, body: '<html>' } },
    ]);
    expect(await errorOf(clientFor(server).ping())).toMatchObject({ code: 'UNSUPPORTED', status: 404 });
  });
});
