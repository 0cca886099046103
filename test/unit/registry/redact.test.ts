import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactText, redactUrl } from '../../../core/registry/redact.ts';

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

  it('cuts what is no URL at its query', () => expect(redactUrl('/v2/a?token=secret')).toBe('/v2/a'));

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

  it('hides the secrets that it is told of, the longer before its part', () => {
    expect(redactText('pass is hunter22 and hunter2', ['hunter2', 'hunter22', ''])).toBe(
      'pass is REDACTED and REDACTED',
    );
  });

  it('leaves ordinary messages as they are', () => {
    const text = 'manifest for library/nginx:1.27 not found; basic auth is off';
    expect(redactText(text)).toBe(text);
  });

  it('shortens what is long', () => expect(redactText('x'.repeat(5000))).toHaveLength(401));
});
