import { describe, expect, it } from 'vitest';
import { connectionHelp } from '../../../cli/connection-help.ts';
import { connectionFailure } from '../../../core/registry/connection-failures.ts';

const refused = (address: string) =>
  Object.assign(new Error(`connect ECONNREFUSED ${address}:5000`), {
    code: 'ECONNREFUSED',
    address,
    port: 5000,
  });

describe('why a connection failed', () => {
  it('names each address of a name that has several', () => {
    const both = new AggregateError([refused('::1'), refused('127.0.0.1'), refused('127.0.0.1')]);
    expect(connectionFailure(both, 'ECONNREFUSED')).toBe('nobody listens at [::1]:5000 and 127.0.0.1:5000');
    expect(connectionFailure(refused('10.0.0.5'), 'ECONNREFUSED')).toBe('nobody listens at 10.0.0.5:5000');
    expect(connectionFailure(undefined, 'ECONNREFUSED')).toBe('nobody listens at its port');
  });

  it('shows no more of a certificate’s names than fits', () => {
    const cert = { subjectaltname: 'DNS:a.example, '.repeat(1_000) };
    const words = connectionFailure(Object.assign(new Error('x'), { cert }), 'ERR_TLS_CERT_ALTNAME_INVALID');
    expect(words?.length).toBeLessThan(260);
    expect(connectionFailure(new Error('x'), 'ERR_TLS_CERT_ALTNAME_INVALID')).toContain('none');
  });

  it('leaves other failures to their own words', () => {
    expect(connectionFailure(new Error('x'), 'EPROTO')).toBeUndefined();
    expect(connectionFailure(new Error('x'), '')).toBeUndefined();
  });
});

describe('what helps', () => {
  const at = { host: 'registry.example:5000', protocol: 'https:' };

  it('speaks of a proxy where one is set', () => {
    expect(connectionHelp('ECONNREFUSED', at, {})).toBe('check that it runs, and its port');
    expect(connectionHelp('ECONNREFUSED', at, { https_proxy: 'http://proxy.example' })).toMatch(
      /the proxy of https_proxy$/,
    );
  });

  it('names the host without its port, and with one where a program wants it', () => {
    expect(connectionHelp('ENOTFOUND', at, {})).toMatch(/getent hosts registry\.example$/);
    expect(connectionHelp('SELF_SIGNED_CERT_IN_CHAIN', { ...at, host: 'registry.example' }, {})).toMatch(
      /-connect registry\.example:443 /,
    );
  });

  it('is nothing for an HTTPS connection that was closed', () => {
    expect(connectionHelp('ECONNRESET', { ...at, plainHttp: '--src-plain-http' }, {})).toBeUndefined();
    expect(connectionHelp('EPROTO', at, {})).toBeUndefined();
  });
});
