import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseCoding, contentCodings } from '../../../../lambda/api/content-coding.ts';

describe('the coding of an answer', () => {
  it.each([
    ['br, gzip', 'br'],
    ['gzip, br', 'br'],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip;q=1.0, br;q=0.9', 'gzip'],
    ['gzip ; q=0.5 , br ; q=0.501', 'br'],
    ['br;q=0, gzip', 'gzip'],
    ['*', 'br'],
    ['br;q=0, *', 'gzip'],
    ['br;q=0.1, *;q=0.2', 'gzip'],
    ['identity, gzip', 'gzip'],
    ['deflate, gzip;q=0.001', 'gzip'],
    ['br;q=7, gzip', 'gzip'],
    ['br;q=0.0001, gzip;q=0.1', 'gzip'],
    ['br q=1, gzip', 'gzip'],
  ])('%s: %s', (header, coding) => {
    expect(chooseCoding(header)).toMatchObject({ coding, prefersCoding: true, refusesPlain: false });
  });

  it.each([undefined, '', ' ', 'identity', 'deflate', 'br;q=0', '*;q=0, identity', 'gzip;q=0.000', '""'])(
    'is none for %j',
    (header) => {
      expect(chooseCoding(header)).toEqual({ prefersCoding: false, refusesPlain: false });
    },
  );

  it('is not preferred by callers who weigh plain answers higher', () => {
    expect(chooseCoding('gzip;q=0.5, identity')).toMatchObject({ coding: 'gzip', prefersCoding: false });
    expect(chooseCoding('gzip;q=0.5, identity;q=0.5')).toMatchObject({ coding: 'gzip', prefersCoding: true });
  });

  it.each(['gzip, identity;q=0', 'gzip, *;q=0'])('replaces plain answers that are refused: %s', (header) => {
    expect(chooseCoding(header)).toEqual({ coding: 'gzip', prefersCoding: true, refusesPlain: true });
  });

  it('is none that was refused or not named, whatever the header says', () => {
    const member = fc.tuple(
      fc.constantFrom('br', 'gzip', 'x-gzip', 'identity', '*', 'zstd', '', 'a b'),
      fc.constantFrom('', ';q=0', ';q=0.5', ';q=1', ';q=', ';q=2', '; q=0.25'),
    );
    fc.assert(
      fc.property(fc.array(member, { maxLength: 6 }), (members) => {
        const header = members.map((parts) => parts.join('')).join(',');
        const { coding } = chooseCoding(header);
        if (coding === undefined) return;
        expect(contentCodings).toContain(coding);
        const names = coding === 'gzip' ? ['gzip', 'x-gzip'] : [coding];
        const named = members.filter(([name]) => names.includes(name));
        expect(named.length > 0 || members.some(([name]) => name === '*')).toBe(true);
        if (named.length > 0) expect(named.every(([, weight]) => weight === ';q=0')).toBe(false);
      }),
    );
  });

  it('is found in linear time', () => {
    expect(chooseCoding(`${' ,;q='.repeat(20_000)}, gzip`)).toMatchObject({ coding: 'gzip' });
  });
});
