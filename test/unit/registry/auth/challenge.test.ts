import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from '../../../../core/registry/auth/challenge.ts';

/** Challenges as plain objects, for comparing. */
const parse = (header: string | undefined) =>
  parseChallenges(header).map(({ scheme, parameters, token68 }) => ({
    scheme,
    parameters: Object.fromEntries(parameters),
    ...(token68 === undefined ? {} : { token68 }),
  }));

describe('parseChallenges', () => {
  it('reads what Docker Hub sends', () => {
    const header =
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull"';
    expect(parse(header)).toEqual([
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.docker.io/token',
          service: 'registry.docker.io',
          scope: 'repository:library/nginx:pull',
        },
      },
    ]);
  });

  it('keeps a comma inside quotes', () => {
    expect(parse('Bearer realm="r",scope="repository:a:pull,push"')[0]?.parameters.scope).toBe(
      'repository:a:pull,push',
    );
  });

  it('reads several challenges, in any order', () => {
    expect(parse('Basic realm="Registry", Bearer realm="https://r/token" , service=s, Negotiate')).toEqual([
      { scheme: 'basic', parameters: { realm: 'Registry' } },
      { scheme: 'bearer', parameters: { realm: 'https://r/token', service: 's' } },
      { scheme: 'negotiate', parameters: {} },
    ]);
  });

  it('reads the example of RFC 9110, 11.6.1', () => {
    expect(parse('Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""')).toEqual([
      { scheme: 'basic', parameters: { realm: 'simple' } },
      { scheme: 'newauth', parameters: { realm: 'apps', type: '1', title: 'Login to "apps"' } },
    ]);
  });

  it.each([
    ['token68', 'Negotiate TlRMTVNTUA==, Basic realm="x"', ['negotiate', 'basic']],
    ['a scheme alone', 'Basic', ['basic']],
    ['schemes alone', 'Basic, Bearer', ['basic', 'bearer']],
    ['empty list elements', ',, Basic realm="x", ,Bearer realm="y",', ['basic', 'bearer']],
  ])('reads %s', (_, header, schemes) => {
    expect(parse(header).map(({ scheme }) => scheme)).toEqual(schemes);
  });

  it('accepts a URL without quotes, and space around the equals sign', () => {
    expect(parse('bearer realm = https://r.example/token?x ,SERVICE=s')[0]).toEqual({
      scheme: 'bearer',
      parameters: { realm: 'https://r.example/token?x', service: 's' },
    });
  });

  it('uses the first of two parameters with the same name', () => {
    expect(parse('Bearer realm="first",realm="second"')[0]?.parameters.realm).toBe('first');
  });

  it.each([undefined, '', '   ', '"', '=', 'Bearer"x"'])('finds nothing in %j', (header) => {
    expect(parse(header)).toEqual([]);
  });

  it('keeps what it understood before the header stops making sense', () => {
    expect(parse('Basic realm="x", Bearer realm="never closed')).toEqual([
      { scheme: 'basic', parameters: { realm: 'x' } },
      { scheme: 'bearer', parameters: {} },
    ]);
  });

  it('reads back every challenge that can be written', () => {
    const token = fc.stringMatching(/^[a-z0-9!#$%&'*+.^_`|~-]{1,12}$/);
    const text = fc.stringMatching(/^[\t -~]{0,40}$/);
    const challenge = fc.record({
      scheme: token,
      parameters: fc.dictionary(token, text, { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
    });
    fc.assert(
      fc.property(fc.array(challenge, { maxLength: 4 }), (challenges) => {
        const header = challenges
          .map(({ scheme, parameters }) => {
            const written = Object.entries(parameters).map(
              ([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`,
            );
            return `${scheme} ${written.join(', ')}`;
          })
          .join(', ');
        expect(parse(header)).toEqual(challenges);
      }),
    );
  });

  it('accepts any header without throwing', () => {
    const noise = fc.array(fc.constantFrom('Bearer', ' ', ',', '=', '"', '\\', 'realm', 'x', '\t', 'ü'), {
      maxLength: 40,
    });
    fc.assert(fc.property(noise, (parts) => Array.isArray(parseChallenges(parts.join('')))));
  });
});
