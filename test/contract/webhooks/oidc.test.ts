import { createHmac } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { exportJWK, exportSPKI, type GenerateKeyPairResult } from 'jose';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OidcUnavailableError } from '../../../core/webhooks/authenticity/oidc.ts';
import {
  answerFirst,
  authenticationAt,
  claims,
  first,
  proven,
  second,
  sendKeys,
  startIssuer,
  token,
  url,
} from './issuer.ts';

afterEach(() => vi.useRealTimers());

describe('the keys of an issuer', () => {
  it('are fetched once for many tokens', async () => {
    const { requests, authentication } = await startIssuer(answerFirst);
    const tokens = await Promise.all(Array.from({ length: 5 }, () => token()));
    expect(await Promise.all(tokens.map((jwt) => proven(authentication, jwt)))).toEqual(Array(5).fill(true));
    expect(await proven(authentication, await token())).toBe(true);
    expect(requests).toEqual(['/keys']);
  });

  it('are fetched again for a token of an unknown key, but not twice within the pause', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    let keys: Record<string, GenerateKeyPairResult> = { first };
    const { requests, authentication } = await startIssuer(
      (_request, response) => void sendKeys(response, keys),
    );
    expect(await proven(authentication, await token())).toBe(true);

    keys = { second };
    expect(await proven(authentication, await token(second, 'second'))).toBe(false);
    expect(requests).toHaveLength(1);

    vi.setSystemTime(Date.now() + 31_000);
    expect(await proven(authentication, await token(second, 'second'))).toBe(true);
    expect(requests).toHaveLength(2);
    expect(await proven(authentication, await token(second, 'third'))).toBe(false);
    expect(requests).toHaveLength(2);
    expect(await proven(authentication, await token())).toBe(false);
    expect(requests).toHaveLength(2);
  });

  it('that are kept serve for ten minutes while the issuer is down', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { authentication, stop } = await startIssuer(answerFirst);
    expect(await proven(authentication, await token())).toBe(true);
    await stop();
    vi.setSystemTime(Date.now() + 9 * 60_000);
    expect(await proven(authentication, await token())).toBe(true);
    vi.setSystemTime(Date.now() + 2 * 60_000);
    await expect(proven(authentication, await token())).rejects.toThrow(OidcUnavailableError);
  });

  it('that cannot be fetched are an error of ours, and are fetched again two seconds later', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    let broken = true;
    const { authentication, requests } = await startIssuer((request, response) => {
      if (broken) response.writeHead(500).end();
      else answerFirst(request, response);
    });
    await expect(proven(authentication, await token())).rejects.toThrow(OidcUnavailableError);
    broken = false;
    // Anybody can send what looks like a token, so not each one triggers a request.
    await expect(proven(authentication, await token())).rejects.toThrow(OidcUnavailableError);
    expect(requests).toHaveLength(1);
    vi.setSystemTime(Date.now() + 2_001);
    expect(await proven(authentication, await token())).toBe(true);
  });

  it.each<[string, RequestListener]>([
    ['an answer that is not JSON', (_request, response) => void response.end('<html>')],
    ['JSON that holds no keys', (_request, response) => void response.end('{"keys": 7}')],
    ['a redirection', (_request, response) => void response.writeHead(302, { location: '/other' }).end()],
    ['a connection that is cut', (request) => void request.socket.destroy()],
  ])('%s is an error of ours', async (_title, answer) => {
    const { authentication, requests } = await startIssuer(answer);
    await expect(proven(authentication, await token())).rejects.toThrow(OidcUnavailableError);
    expect(requests).toEqual(['/keys']);
  });

  it('an issuer where nobody listens is an error of ours', async () => {
    const { authentication, stop } = await startIssuer(answerFirst);
    await stop();
    await expect(proven(authentication, await token())).rejects.toThrow(OidcUnavailableError);
  });

  it('are awaited for three seconds', async () => {
    const { authentication } = await startIssuer(() => {});
    const start = performance.now();
    await expect(proven(authentication, await token())).rejects.toThrow(OidcUnavailableError);
    expect(performance.now() - start).toBeGreaterThan(2_500);
    expect(performance.now() - start).toBeLessThan(6_000);
  });
});

describe('a token', () => {
  it('is refused if it brings its own keys, and nothing that it names is fetched', async () => {
    const trap = await startIssuer((_request, response) => void sendKeys(response, { first: second }));
    const { authentication, requests } = await startIssuer(answerFirst);
    const jwk = await exportJWK(second.publicKey);
    for (const header of [{ jku: `${trap.origin}/keys` }, { jwk }, { x5u: `${trap.origin}/certificate` }])
      expect(await proven(authentication, await token(second, 'first', { header }))).toBe(false);
    expect(requests).toEqual(['/keys']);
    expect(trap.requests).toEqual([]);
  });

  it('is refused if unsigned, or signed with the public key as if it were a secret', async () => {
    const { authentication } = await startIssuer(answerFirst);
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = (alg: string) => `${encode({ alg, kid: 'first' })}.${encode(claims())}`;
    const publicKey = await exportSPKI(first.publicKey);
    const mac = createHmac('sha256', publicKey).update(signed('HS256')).digest('base64url');
    expect(await proven(authentication, `${signed('none')}.`)).toBe(false);
    expect(await proven(authentication, `${signed('HS256')}.${mac}`)).toBe(false);
    const signature = (await token()).split('.')[2];
    expect(await proven(authentication, `${signed('RS256')}.${signature}x`)).toBe(false);
    expect(await proven(authentication, await token())).toBe(true);
  });

  it('must be for the webhook’s own URL, or only for the configured audience', async () => {
    const { origin, authentication } = await startIssuer(answerFirst);
    const configured = authenticationAt(`${origin}/keys`, { audience: 'drayage' });
    const forUrl = await token();
    const forName = await token(first, 'first', { aud: ['other', 'drayage'] });
    expect(await proven(authentication, forUrl)).toBe(true);
    expect(await proven(authentication, forName)).toBe(false);
    expect(await proven(configured, forUrl)).toBe(false);
    expect(await proven(configured, forName)).toBe(true);
    expect(await proven(authentication, await token(first, 'first', { aud: `${url}/` }))).toBe(false);
  });
});
