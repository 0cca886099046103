import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalSecrets, isOneOf } from '../../../../core/webhooks/authenticity/equal-secrets.ts';
import { isAuthentic, signature } from '../../../../core/webhooks/authenticity/verify.ts';
import { configuredWebhooks, webhookAddress } from '../../../../core/webhooks/find-webhook.ts';
import { deriveSecret } from '../../../../core/webhooks/secrets/secrets.ts';
import type { WebhookAuthentication } from '../../../../core/webhooks/source.ts';
import { config } from '../deliver.ts';

describe('equalSecrets', () => {
  it('is equality, for texts of any length', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 50 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(equalSecrets(a, a)).toBe(true);
        expect(equalSecrets(a, b)).toBe(a === b);
        expect(equalSecrets(a, `${a}x`)).toBe(false);
      }),
    );
  });
});

describe('isOneOf', () => {
  it.each([
    ['b', ['a', 'b'], true],
    ['a', ['a', 'b'], true],
    ['c', ['a', 'b'], false],
    ['ab', ['a', 'b'], false],
    ['', [''], false],
    [undefined, [''], false],
    ['a', [], false],
  ])('%j in %j: %s', (given, all, expected) => expect(isOneOf(given, all)).toBe(expected));
});

describe('isAuthentic', () => {
  const body = Buffer.from('{"a": 1}');
  const url = 'https://api.example/webhooks/it';
  const kinds: (WebhookAuthentication & { kind: 'hmac' })[] = (['sha256', 'sha1'] as const).flatMap(
    (algorithm) =>
      (['hex', 'base64'] as const).map((encoding) => ({
        kind: 'hmac' as const,
        header: 'x-signature',
        algorithm,
        encoding,
        prefix: encoding === 'hex' ? '' : 'v1,',
      })),
  );

  it.each(kinds)(
    'accepts exactly one algorithm and encoding: $algorithm, $encoding',
    async (authentication) => {
      for (const other of kinds) {
        const value =
          other.prefix + createHmac(other.algorithm, 'secret').update(body).digest(other.encoding);
        const proof = { headers: { 'x-signature': value }, body, url };
        expect(await isAuthentic(authentication, proof, ['secret'])).toBe(other === authentication);
      }
      expect(signature(authentication, 'secret', body)).toMatch(
        authentication.encoding === 'hex' ? /^[0-9a-f]+$/ : /=$/,
      );
    },
  );

  it('keys an HMAC with the secret’s UTF-8 bytes', async () => {
    const [authentication] = kinds;
    if (authentication === undefined) throw new Error('no kind');
    const value = createHmac('sha256', Buffer.from('schlüssel', 'utf8')).update(body).digest('hex');
    expect(
      await isAuthentic(authentication, { headers: { 'x-signature': value }, body, url }, ['schlüssel']),
    ).toBe(true);
  });

  it('does not treat what a prototype has as a header', async () => {
    const proof = { headers: {}, body, url };
    expect(await isAuthentic({ kind: 'header', header: 'constructor' }, proof, [String(Object)])).toBe(false);
  });
});

describe('deriveSecret', () => {
  it('is HMAC-SHA256 in base64url', () => {
    // printf webhook:hub | openssl dgst -sha256 -hmac root -binary | basenc --base64url
    expect(deriveSecret('root', 'webhook:hub')).toBe('94-aC_Pdyt7NDconfOGDF8th8u45wSkFSRVIdCeQfFk');
  });

  it('gives each root and purpose its own secret, fit for a path', () => {
    const made = ['a', 'b'].flatMap((root) =>
      ['webhook:hub', 'webhook:hub2', 'token:reader', 'token:operator'].map((purpose) =>
        deriveSecret(root, purpose),
      ),
    );
    expect(new Set(made).size).toBe(made.length);
    for (const secret of made) expect(secret).toMatch(/^[\w-]{43}$/);
  });

  it('refuses an empty root', () =>
    expect(() => deriveSecret('', 'token:reader')).toThrow('root secret is empty'));
});

describe('webhookAddress', () => {
  it('contains the secret if the sender cannot sign, and shows it separately if it can', () => {
    const addresses = configuredWebhooks(config).map((webhook) => webhookAddress(webhook, 'S'));
    expect(addresses).toEqual([
      { path: '/webhooks/hub/S' },
      { path: '/webhooks/github', secret: 'S' },
      { path: '/webhooks/registry', secret: 'S' },
    ]);
  });
});
