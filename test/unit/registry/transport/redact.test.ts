import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactText, redactUrl } from '../../../../core/registry/transport/redact.ts';

describe('redactUrl', () => {
  it('shows the parameters of the protocol and hides all others', () => {
    expect(redactUrl('https://r.example/v2/a/blobs/uploads/?digest=sha256:ab&_state=secret')).toBe(
      'https://r.example/v2/a/blobs/uploads/?digest=sha256:ab&_state=REDACTED',
    );
    expect(redactUrl('https://s3.example/x?X-Amz-Signature=abc&X-Amz-Credential=def&from=lib')).toBe(
      'https://s3.example/x?X-Amz-Signature=REDACTED&X-Amz-Credential=REDACTED&from=lib',
    );
  });

  it('hides users, passwords and fragments', () => {
    expect(redactUrl('https://user:pass@r.example:5000/v2/#secret')).toBe('https://r.example:5000/v2/');
  });

  it.each([
    ['https://user:pass%@[', 'https://REDACTED'],
    ['https://user:pass', 'https://REDACTED'],
  ])('hides what may be a password in the malformed %j', (url, shown) => expect(redactUrl(url)).toBe(shown));

  it('cuts what is not a URL at its query', () => expect(redactUrl('/v2/a?token=secret')).toBe('/v2/a'));

  it('never shows the value of an unknown parameter', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{3,8}x$/), fc.stringMatching(/^[A-Z0-9]{12}$/), (name, value) => {
        expect(redactUrl(`https://h.example/p?${name}=${value}`)).not.toContain(value);
      }),
    );
  });
});

describe('redactText', () => {
  it.each([
    ['sent Authorization: Bearer abcdef123456.x-y_z', 'sent Authorization: Bearer REDACTED'],
    ['Basic dXNlcjpwYXNzd29yZA== is wrong', 'Basic REDACTED is wrong'],
    ['token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln is expired', 'token REDACTED is expired'],
    ['see https://s3.example/b?X-Amz-Signature=abc', 'see https://s3.example/b?X-Amz-Signature=REDACTED'],
    ['line\nforged\u0000\u2028line', 'line forged line'],
  ])('of %j shows %j', (text, shown) => expect(redactText(text)).toBe(shown));

  it('hides the secrets that it is given, the longer before its part', () => {
    expect(redactText('pass is hunter22 and hunter2', ['hunter2', 'hunter22', ''])).toBe(
      'pass is REDACTED and REDACTED',
    );
  });

  it('leaves ordinary messages as they are', () => {
    const text = 'manifest for library/nginx:1.27 not found; basic auth is off';
    expect(redactText(text)).toBe(text);
  });

  it.each([
    ['a token without its end', 'x eyJhbGciOiJIUzI1NiJ9 y', 'x REDACTED y'],
    ['a token behind a prefix', 'dckr_eyJhbGciOiJIUzI1NiJ9.e30.c2ln', 'dckr_REDACTED'],
  ])('hides %s', (_, text, shown) => expect(redactText(text)).toBe(shown));

  describe('of a text that is cut before it is searched', () => {
    // Everything before the secret becomes short, so that the place of the cut is shown.
    const filler = (length: number) => `Bearer ${'f'.repeat(length)} `;
    const secret = 'Sup3rS3cret';
    const forms = [
      `Bearer ${secret.repeat(20)}`,
      `eyJhbGciOi${secret.repeat(20)}.${secret}`,
      `https://user:${secret.repeat(20)}@h.example/`,
      `https://h.example/?sig=${secret.repeat(20)}`,
      `Basic ${secret.repeat(20)}==`,
    ];
    it.each(forms)('shows no part of %s, wherever the cut is', (form) => {
      for (let length = 3800; length < 4100; length += 1) {
        expect(redactText(`${filler(length)}${form} and more${' x'.repeat(200)}`)).not.toContain('Sup3r');
      }
    });

    it('shows no secret that it is given', () => {
      for (let length = 4060; length < 4100; length += 1) {
        expect(redactText(`${filler(length)}key=${secret} ${'x '.repeat(200)}`, [secret])).not.toMatch(/Sup/);
      }
    });

    it('shows no part of a secret that is longer than all that is searched', () => {
      for (const form of ['Bearer ', 'Basic ', 'eyJhbGciOiJI', 'https://user:', 'https://h.example/?sig=']) {
        expect(redactText(form + secret.repeat(1000))).not.toContain('Sup3r');
      }
    });

    it('ends with a word, and says that there was more', () => {
      expect(redactText(`${filler(4000)}${'word '.repeat(500)}`)).toMatch(/^Bearer REDACTED( word)+…$/);
    });
  });

  it.each([
    'eyJaaaaaaaa-',
    'eyJaaaaaaaa.',
    'eyJ-',
    'Bearer ',
    'Bearer a',
    'Basic\t',
    'https://',
    'https://a?b=c&',
    '\u0000',
    ' ',
    '-',
  ])('takes no longer for a megabyte of %j', (piece) => {
    const text = `${piece.repeat(Math.ceil(1_048_576 / piece.length))}!`;
    const begun = performance.now();
    redactText(text, ['hunter22']);
    expect(performance.now() - begun).toBeLessThan(250);
  });

  it('shortens what is long', () => expect(redactText('x'.repeat(5000))).toHaveLength(401));
});
