import { describe, expect, it } from 'vitest';
import { answeredProblem, connectionProblem } from '../../../core/registry/connection-problem.ts';
import { connectionRemedy, mirrorSettings } from '../../../core/registry/connection-remedies.ts';

const https = new URL('https://r.example:8443/v2/?secret=1');

/** An error as node makes it. */
const failed = (code: string, more: object = {}) =>
  Object.assign(new Error(`it says ${code}`), { code, ...more });

describe('connectionProblem', () => {
  it.each([
    ['ENOTFOUND', 'unknown-host', 'the host name r.example does not resolve, ENOTFOUND'],
    ['EAI_AGAIN', 'no-dns', 'the DNS server does not answer for the host name r.example, EAI_AGAIN'],
    ['ECONNREFUSED', 'refused', 'the connection to r.example:8443 was refused, ECONNREFUSED'],
    ['EHOSTUNREACH', 'no-route', 'there is no route to r.example:8443, EHOSTUNREACH'],
    ['ETIMEDOUT', 'connect-timeout', 'the connection to r.example:8443 timed out, ETIMEDOUT'],
    ['ECONNRESET', 'closed', 'r.example:8443 closed the connection without an answer, ECONNRESET'],
    [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'untrusted-certificate',
      'the certificate of r.example:8443 is signed by an authority that is not trusted, UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    [
      'ERR_SSL_PACKET_LENGTH_TOO_LONG',
      'no-tls',
      'r.example:8443 does not speak HTTPS, ERR_SSL_PACKET_LENGTH_TOO_LONG',
    ],
    ['SOMETHING_NEW', 'other', 'no answer from r.example:8443: it says SOMETHING_NEW'],
  ])('says of %s what happened, and to which host', (code, kind, reason) => {
    expect(connectionProblem(failed(code), https)).toEqual({
      kind,
      reason,
      host: 'r.example:8443',
      origin: 'https://r.example:8443',
    });
  });

  it('names every address that was tried', () => {
    const errors = ['::1', '127.0.0.1', '127.0.0.1'].map((address) =>
      failed('ECONNREFUSED', { address, port: 8443, syscall: 'connect' }),
    );
    const all = Object.assign(new AggregateError(errors), { code: 'ECONNREFUSED' });
    expect(connectionProblem(all, https).reason).toBe(
      'the connection to r.example:8443 was refused (tried ::1, 127.0.0.1), ECONNREFUSED',
    );
  });

  it.each([
    [
      { address: '10.0.0.9', port: 3128 },
      'ECONNREFUSED',
      'the connection to the proxy 10.0.0.9:3128 was refused',
    ],
    [{ hostname: 'proxy.example' }, 'ENOTFOUND', 'the host name proxy.example of the proxy does not resolve'],
  ])('distinguishes a proxy that fails from the requested host', (more, code, reason) => {
    expect(connectionProblem(failed(code, more), https)).toMatchObject({
      kind: 'proxy',
      reason: `${reason}, ${code}`,
    });
  });

  it('leaves out what OpenSSL says to programmers', () => {
    const message = '40CD:error:0A000410:SSL routines:ssl3_read_bytes:tlsv1 alert:../deps/openssl/rec.c:77:';
    const error = Object.assign(
      failed('ERR_SSL_TLSV1_ALERT_ACCESS_DENIED', { reason: 'tlsv1 alert access denied' }),
      { message },
    );
    expect(connectionProblem(error, https).reason).toBe(
      'the TLS handshake with r.example:8443 failed: tlsv1 alert access denied, ERR_SSL_TLSV1_ALERT_ACCESS_DENIED',
    );
  });

  it('bounds and cleans the names in somebody else’s certificate', () => {
    const cert = { subjectaltname: `DNS:a.example\u001b[2J, DNS:${'x'.repeat(5_000)}` };
    const { kind, reason } = connectionProblem(failed('ERR_TLS_CERT_ALTNAME_INVALID', { cert }), https);
    expect(kind).toBe('other-certificate');
    expect(reason).toMatch(/is for another host: a\.example \[2J,.*…, ERR_TLS_CERT_ALTNAME_INVALID$/);
    expect(reason.length).toBeLessThan(600);
  });
});

describe('connectionRemedy', () => {
  const remedy = (code: string, url: string) =>
    connectionRemedy(connectionProblem(failed(code), new URL(url)), mirrorSettings);

  it.each([
    ['ENOTFOUND', 'check the spelling of the host name; see what DNS returns: nslookup r.example'],
    ['ECONNREFUSED', 'check the port, and that the server is running: curl -v https://r.example:8443/v2/'],
  ])('suggests after %s the next command', (code, expected) => {
    expect(remedy(code, https.href)).toBe(expected);
  });

  it('puts no host into a command if a shell would take it for more than a name', () => {
    for (const code of [
      'ENOTFOUND',
      'ECONNREFUSED',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'ECONNRESET',
      'UND_ERR_HEADERS_TIMEOUT',
    ])
      expect(remedy(code, 'https://a$(id)`id`;id&id/'), code).not.toContain('id&id');
    expect(remedy('ECONNREFUSED', 'https://[::1]:5000/')).toContain('curl -v https://[::1]:5000/v2/');
  });
});

describe('answeredProblem', () => {
  const http = new URL('http://r.example/v2/');
  const text = (body: string) => Buffer.from(body);

  it.each([
    'Client sent an HTTP request to an HTTPS server.\n',
    '<html>The plain HTTP request was sent to HTTPS port</html>',
  ])('recognises a server that wants HTTPS by %j', (body) => {
    expect(answeredProblem(400, text(body), http)).toMatchObject({ kind: 'wants-tls' });
    expect(answeredProblem(404, text(body), http)).toBeUndefined();
    expect(answeredProblem(400, text(body), https)).toBeUndefined();
  });

  it('recognises a proxy that wants a login', () => {
    expect(answeredProblem(407, text(''), http)).toMatchObject({ kind: 'proxy-login' });
    expect(answeredProblem(400, text('bad'), http)).toBeUndefined();
  });
});
