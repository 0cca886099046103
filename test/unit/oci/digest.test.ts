import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createDigester,
  digestAlgorithm,
  digestOf,
  InvalidDigestError,
  isDigest,
  parseDigest,
} from '../../../core/oci/digest.ts';

// Always the same cases, so that a failure is reproducible.

const abc = new TextEncoder().encode('abc');
/** The examples of FIPS 180-4 for the message "abc". */
const sha256OfAbc = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const sha512OfAbc =
  'sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f';

describe('digestOf', () => {
  it('computes sha256 unless told otherwise', () => {
    expect(digestOf(abc)).toBe(sha256OfAbc);
    expect(digestOf(abc, 'sha512')).toBe(sha512OfAbc);
  });
});

describe('parseDigest', () => {
  it.each([sha256OfAbc, sha512OfAbc])('takes %s', (text) => {
    expect(parseDigest(text)).toBe(text);
    expect(isDigest(text)).toBe(true);
    expect(text.startsWith(digestAlgorithm(parseDigest(text)))).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['an algorithm alone', 'sha256:'],
    ['hex alone', sha256OfAbc.slice(7)],
    ['upper case', sha256OfAbc.toUpperCase()],
    ['upper-case hex', `sha256:${sha256OfAbc.slice(7).toUpperCase()}`],
    ['one digit too few', sha256OfAbc.slice(0, -1)],
    ['one digit too many', `${sha256OfAbc}0`],
    ['a line feed at the end', `${sha256OfAbc}\n`],
    ['a space in front', ` ${sha256OfAbc}`],
    ['the other algorithm’s length', sha512OfAbc.replace('sha512', 'sha256')],
    ['a letter that is not a hexadecimal digit', sha256OfAbc.replace('ba', 'bg')],
    ['an algorithm that is not supported', `sha384:${'0'.repeat(96)}`],
    ['a path', '../../etc/passwd'],
  ])('refuses %s', (_, text) => {
    expect(isDigest(text)).toBe(false);
    expect(() => parseDigest(text)).toThrow(InvalidDigestError);
    expect(() => parseDigest(text)).toThrow(/write sha256: and 64, or sha512: and 128, hexadecimal digits/);
  });

  it('shortens what it quotes', () => {
    expect(() => parseDigest('x'.repeat(1e6))).toThrow(/^.{1,300}$/s);
  });

  it.each([undefined, null, 7, {}, [sha256OfAbc]])('isDigest says no to %j', (value) => {
    expect(isDigest(value)).toBe(false);
  });
});

describe('createDigester', () => {
  it('computes the digest of the whole, however it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 64 })),
        fc.constantFrom('sha256', 'sha512'),
        (chunks, algorithm) => {
          const digester = createDigester(algorithm);
          for (const chunk of chunks) digester.update(chunk);
          expect(digester.digest()).toBe(digestOf(Buffer.concat(chunks), algorithm));
        },
      ),
    );
  });

  it('can be asked twice and then accepts no more bytes', () => {
    const digester = createDigester('sha256');
    digester.update(abc);
    expect(digester.digest()).toBe(sha256OfAbc);
    expect(digester.digest()).toBe(sha256OfAbc);
    expect(() => digester.update(abc)).toThrow();
  });
});
