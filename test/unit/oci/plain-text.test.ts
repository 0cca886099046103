import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainText } from '../../../core/oci/plain-text.ts';

describe('plainText', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['two\r\nlines', 'two lines'],
    ['\u001b[31mred\u0007', '[31mred'],
    ['left\u202eright\u2028', 'left right'],
    ['grüße 漢字 😀', 'grüße 漢字 😀'],
    ['', ''],
  ])('shows %j as %j', (text, shown) => {
    expect(plainText(text, 100)).toBe(shown);
  });

  it('cuts a text that is too long, and says so', () => {
    expect(plainText('12345', 5)).toBe('12345');
    expect(plainText('123456', 5)).toBe('12345…');
    expect(plainText(`\n${'x'.repeat(5_000_000)}`, 5)).toBe('xxxxx…');
  });

  it('is never longer than allowed, and holds no control characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 20 }), (text, max) => {
        const shown = plainText(text, max);
        expect(shown.length).toBeLessThanOrEqual(max + 1);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
