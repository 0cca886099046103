import { describe, expect, it } from 'vitest';
import { judgeRealm } from '../../../../core/registry/auth/realms.ts';

const judge = (realm: string | undefined, endpoint: string, authHosts: string[] = []) =>
  judgeRealm(realm, new URL(endpoint), authHosts).kind;

describe('judgeRealm', () => {
  it.each([
    // The endpoint's own host, its port included.
    ['https://ghcr.io/token', 'https://ghcr.io', [], 'trusted'],
    ['http://127.0.0.1:5000/token', 'http://127.0.0.1:5000', [], 'trusted'],
    ['http://127.0.0.1:5001/token', 'http://127.0.0.1:5000', [], 'foreign'],
    ['https://ghcr.io:8443/token', 'https://ghcr.io', [], 'foreign'],
    ['https://evil.example/ghcr.io', 'https://ghcr.io', [], 'foreign'],
    ['https://ghcr.io.evil.example/token', 'https://ghcr.io', [], 'foreign'],
    // authHosts.
    ['https://auth.docker.io/token', 'https://registry-1.docker.io', ['auth.docker.io'], 'trusted'],
    ['https://AUTH.docker.io:443/token', 'https://registry-1.docker.io', ['auth.docker.io'], 'trusted'],
    ['https://auth.docker.io/token', 'https://registry-1.docker.io', ['auth.docker.io:443'], 'trusted'],
    ['https://auth.docker.io:444/token', 'https://registry-1.docker.io', ['auth.docker.io'], 'foreign'],
    ['https://auth.docker.io/token', 'https://registry-1.docker.io', ['docker.io'], 'foreign'],
    ['http://auth.local:81/t', 'http://r.local', ['auth.local:81'], 'trusted'],
    // https never falls to http, listed or not.
    ['http://auth.docker.io/token', 'https://registry-1.docker.io', ['auth.docker.io'], 'refused'],
    ['http://ghcr.io/token', 'https://ghcr.io', [], 'refused'],
    // An http endpoint may have a token service on https.
    ['https://auth.local/t', 'http://r.local', ['auth.local'], 'trusted'],
    // Internal addresses, unless the endpoint is one, or they are trusted.
    ['https://169.254.169.254/token', 'https://ghcr.io', [], 'refused'],
    ['https://localhost/token', 'https://ghcr.io', [], 'refused'],
    ['https://[::1]/token', 'https://ghcr.io', [], 'refused'],
    ['https://10.1.2.3/token', 'https://ghcr.io', [], 'refused'],
    ['https://10.1.2.3/token', 'https://ghcr.io', ['10.1.2.3'], 'trusted'],
    ['https://10.1.2.3/token', 'https://10.1.2.4', [], 'foreign'],
    // Listed or not, a metadata service is no token service.
    ['https://169.254.169.254/token', 'https://ghcr.io', ['169.254.169.254'], 'refused'],
    ['https://[fd00:ec2::254]/token', 'https://ghcr.io', ['[fd00:ec2::254]'], 'refused'],
    // Not the address of a token service.
    [undefined, 'https://ghcr.io', [], 'refused'],
    ['Registry Realm', 'https://ghcr.io', [], 'refused'],
    ['/token', 'https://ghcr.io', [], 'refused'],
    ['file:///etc/passwd', 'https://ghcr.io', [], 'refused'],
    ['https://user:x@ghcr.io/token', 'https://ghcr.io', [], 'refused'],
    ['https://evil.example\\@ghcr.io/token', 'https://ghcr.io', [], 'foreign'],
  ] as const)('%s of %s with %j is %s', (realm, endpoint, authHosts, kind) => {
    expect(judge(realm, endpoint, [...authHosts])).toBe(kind);
  });
});
