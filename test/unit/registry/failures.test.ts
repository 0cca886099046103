import { describe, expect, it } from 'vitest';
import { RegistryError } from '../../../core/registry/errors.ts';
import { brokenError, refusedError } from '../../../core/registry/failures.ts';

const context = {
  side: 'upstream',
  registry: 'docker.io',
  operation: 'get manifest',
  repository: 'library/nginx',
  reference: '1.27',
} as const;

const refused = (status: number, body: unknown = '', retryAfter?: string) =>
  refusedError(
    context,
    { status, retryAfter, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) },
    'MANIFEST_UNKNOWN',
    ['hunter22'],
  );

describe('refusedError', () => {
  it('says side, registry, operation, what was requested, status and code', () => {
    const error = refused(404, { errors: [{ code: 'NAME_UNKNOWN', message: 'repository name not known' }] });
    expect(error).toMatchObject({
      name: 'RegistryError',
      side: 'upstream',
      registry: 'docker.io',
      operation: 'get manifest',
      repository: 'library/nginx',
      reference: '1.27',
      status: 404,
      code: 'NAME_UNKNOWN',
      temporary: false,
      message:
        'upstream docker.io: get manifest library/nginx:1.27: the registry answered 404, “repository name not known” (NAME_UNKNOWN)',
    });
    expect(error.remedy).toMatch(/repository exists/);
  });

  it('hides secrets before anything is cut or rewritten', () => {
    const password = 'p"a\\ss/word+1=@é';
    const told = (body: unknown) =>
      refusedError(context, { status: 400, body: Buffer.from(JSON.stringify(body)) }, 'X', [password])
        .message;
    const parts = [password.slice(0, 5), password.slice(-6)];
    const form = new URLSearchParams({ password }).toString();
    for (const body of [
      { errors: [{ message: password }] },
      { errors: [{ message: 'x', detail: `${'x'.repeat(290)}${password}` }] },
      { errors: [{ message: 'x', detail: { pw: password } }] },
      { errors: [{ message: 'x', detail: { nested: [`is ${password}`] } }] },
      { message: `your form: ${form}` },
      { message: `your form: grant_type=x&password=${encodeURIComponent(password)}` },
      { message: JSON.stringify({ pw: password }) },
    ]) {
      for (const part of [...parts, encodeURIComponent(password), form.slice('password='.length)])
        expect(told(body)).not.toContain(part);
    }
  });

  it.each([
    [401, 'UNAUTHORIZED', false],
    [403, 'DENIED', false],
    [404, 'MANIFEST_UNKNOWN', false],
    [405, 'UNSUPPORTED', false],
    [416, 'RANGE_INVALID', false],
    [418, 'REFUSED', false],
    [429, 'TOOMANYREQUESTS', true],
    [500, 'UNAVAILABLE', true],
    [408, 'TIMEOUT', true],
    [425, 'UNAVAILABLE', true],
    [501, 'UNSUPPORTED', false],
    [503, 'UNAVAILABLE', true],
    [505, 'UNSUPPORTED', false],
    [520, 'UNAVAILABLE', true],
    [530, 'UNAVAILABLE', true],
    [307, 'ANSWER_INVALID', false],
  ])('derives from %i the code %s (temporary: %s)', (status, code, temporary) => {
    for (const body of ['', 'not json', '<html>', '[]', 'null', '{"errors":[]}', '{"errors":["x"]}']) {
      expect(refused(status, body)).toMatchObject({ code, temporary, status });
    }
  });

  it.each(['lower', 'HAS SPACE', 'HAS\nLINE', '', 'X'.repeat(65), 42, null])(
    'accepts no code of the form %j from the registry',
    (code) => {
      expect(refused(403, { errors: [{ code }] }).code).toBe('DENIED');
    },
  );

  it('shows messages of other forms too', () => {
    expect(refused(401, { details: 'incorrect username or password' }).message).toContain(
      'incorrect username',
    );
    expect(refused(400, { error: 'invalid_grant', error_description: 'gone' }).message).toContain('“gone”');
  });

  it('shows no secret that the registry repeats', () => {
    const message = 'you sent Bearer abcdefghijkl and hunter22 to https://x.example/?sig=1234567\nforged';
    const error = refused(403, { errors: [{ code: 'DENIED', message }] });
    expect(error.message).not.toMatch(/abcdefghijkl|hunter22|1234567|\n/);
    expect(error.message).toContain('REDACTED');
  });

  it('shows only the status of an untrusted host', () => {
    const body = Buffer.from(JSON.stringify({ errors: [{ code: 'AKIA', message: 'SecretAccessKey' }] }));
    const error = refusedError(context, { by: 'h.example', untrusted: true, status: 403, body }, 'X', []);
    expect(error).toMatchObject({ code: 'DENIED', status: 403 });
    expect(error.message).toMatch(/h\.example answered 403 \(DENIED\)$/);
  });

  it('says how long to wait', () => {
    expect(refused(429, '', '30').retryAfterMs).toBe(30_000);
    expect(refused(429).retryAfterMs).toBeUndefined();
  });
});

describe('brokenError', () => {
  const broken = (code: string, message = 'failed') =>
    brokenError(context, Object.assign(new Error(message), { code }), 'no answer from r.example');

  it.each([
    ['ECONNRESET', 'CONNECTION', true],
    ['UND_ERR_HEADERS_TIMEOUT', 'TIMEOUT', true],
    ['ENOTFOUND', 'CONNECTION', false],
    ['CERT_HAS_EXPIRED', 'TLS', false],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLS', false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS', false],
    ['HPE_INVALID_CONSTANT', 'ANSWER_INVALID', false],
    ['UND_ERR_HEADERS_OVERFLOW', 'ANSWER_INVALID', false],
    ['SOMETHING_NEW', 'CONNECTION', false],
    ['ADDRESS_REFUSED', 'ADDRESS_REFUSED', false],
  ])('turns %s into a %s (temporary: %s)', (cause, code, temporary) => {
    expect(broken(cause)).toMatchObject({
      code,
      temporary,
      status: undefined,
      message: expect.stringContaining(cause),
    });
  });

  it('keeps the cause, and an error that already has its context', () => {
    const cause = new Error('x');
    expect(brokenError(context, cause, 'y').cause).toBe(cause);
    const own = new RegistryError(context, { code: 'SIZE_INVALID', reason: 'z' });
    expect(brokenError(context, own, 'y')).toBe(own);
  });

  it('reports a missing repository if ECR drops the connection (CR#1970)', () => {
    const start = { side: 'mirror', registry: 'ecr', operation: 'start upload', repository: 'a' } as const;
    const cause = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });
    expect(brokenError(start, cause, 'x').remedy).toMatch(/create the repository first/);
    expect(brokenError({ ...start, side: 'upstream' }, cause, 'x').remedy).not.toMatch(
      /create the repository/,
    );
  });
});

describe('the body of an error', () => {
  const messageOf = (body: unknown, secrets: string[] = []) =>
    refusedError(
      context,
      { status: 400, body: Buffer.from(JSON.stringify(body)) },
      'MANIFEST_UNKNOWN',
      secrets,
    ).message;

  it('shows the detail, in which Quay says what is wrong', () => {
    const error = {
      code: 'MANIFEST_INVALID',
      message: 'manifest invalid',
      detail: { message: 'layers: no digest' },
    };
    expect(messageOf({ errors: [error] })).toContain('“manifest invalid: {"message":"layers: no digest"}”');
  });

  it.each([
    ['a text', 'quota of 5 GiB exceeded', 'denied: quota of 5 GiB exceeded'],
    ['a list', [{ Name: 'a/b', Action: 'push' }], 'denied: [{"Name":"a/b","Action":"push"}]'],
    ['nothing', null, '“denied”'],
    ['an empty object', {}, '“denied”'],
    ['the message again', 'denied', '“denied”'],
  ])('accepts a detail that is %s', (_, detail, shown) => {
    expect(messageOf({ errors: [{ code: 'DENIED', message: 'denied', detail }] })).toContain(shown);
  });

  it('shows all errors, up to five, each other code with its text', () => {
    const missing = (n: number) => ({ code: 'MANIFEST_BLOB_UNKNOWN', message: `blob ${n} unknown` });
    const errors = [missing(1), { code: 'SIZE_INVALID', message: 'size' }, ...[3, 4, 5, 6, 7].map(missing)];
    const message = messageOf({ errors });
    expect(message).toContain('“blob 1 unknown”, “SIZE_INVALID: size”, “blob 3 unknown”');
    expect(message).toContain('blob 5 unknown');
    expect(message).not.toContain('blob 6');
    expect(message).toContain('(MANIFEST_BLOB_UNKNOWN)');
  });

  it('hides secrets in a detail, and bounds it', () => {
    const detail = { sent: 'hunter22', token: 'Bearer abcdefghijklmnop', more: 'x'.repeat(10_000) };
    const message = messageOf({ errors: [{ code: 'DENIED', message: 'no', detail }] }, ['hunter22']);
    expect(message).not.toMatch(/hunter22|abcdefghijklmnop/);
    expect(message.length).toBeLessThan(700);
  });

  it.each([
    [{ error_message: 'Namespace is read-only', title: 'x' }, 'Namespace is read-only'],
    [{ detail: 'org is over its limit' }, 'org is over its limit'],
    [{ error: 'invalid_grant', error_description: 'expired' }, 'expired'],
  ])('reads the plain form %j', (body, shown) => {
    expect(messageOf(body)).toContain(`“${shown}”`);
  });
});

describe('the remedy', () => {
  const remedy = (operation: string, side: 'upstream' | 'mirror', code: string) =>
    refusedError(
      { ...context, side, operation },
      { status: 400, body: Buffer.from(JSON.stringify({ errors: [{ code }] })) },
      'MANIFEST_UNKNOWN',
      [],
    ).remedy;

  it('does not blame the image for what the destination does not accept', () => {
    for (const code of ['MANIFEST_INVALID', 'UNSUPPORTED', 'MANIFEST_BLOB_UNKNOWN', 'DIGEST_INVALID'])
      expect(remedy('put manifest', 'mirror', code), code).not.toMatch(/push the image again|push all blobs/);
    expect(remedy('get manifest', 'upstream', 'MANIFEST_INVALID')).toContain('push the image again');
  });

  it('names the host behind a redirect that refuses, and does not suggest a login', () => {
    const answer = {
      status: 401,
      untrusted: true,
      by: 'cdn.example',
      remedy: 'cdn.example refuses',
      body: Buffer.of(),
    };
    const error = refusedError(context, answer, 'BLOB_UNKNOWN', []);
    expect(error).toMatchObject({ code: 'UNAUTHORIZED', remedy: 'cdn.example refuses', isExplained: true });
  });
});
