import { describe, expect, it } from 'vitest';
import { EarlierRules } from '../../../core/mirror-yaml/earlier-rules.ts';
import { compileGlob, sampleName } from '../../../core/policy/glob.ts';

/** The index of the rule that reaches the pattern, after these. */
function reaching(matches: string[], match: string): number | undefined {
  const rules = new EarlierRules();
  for (const [index, each] of matches.entries()) rules.add({ match: each, index });
  return rules.reaching(match)?.index;
}

describe('a rule that earlier ones reach', () => {
  it.each([
    [['a/*', '**'], 'a/b', 0],
    [['a/b', 'a/*'], 'a/b', 0],
    [['a/*', 'a/b'], 'a/b', 0],
    [['a/**/b'], 'a/b', 0],
    [['**/nginx'], 'library/nginx', 0],
    [['a/*'], 'a/b/c', undefined],
    [['a/?'], 'a/*', undefined],
    [['a/*-alpine', '*/*'], 'a/*', 1],
    // This is not a valid pattern, but it is the same twice.
    [['A/*'], 'A/*', 0],
    [['**'], 'A/*', undefined],
  ])('by %j: %s', (matches, match, index) => {
    expect(reaching(matches, match)).toBe(index);
  });

  it('is found among thousands', () => {
    const many = Array.from({ length: 3_000 }, (_, n) => `team${n}/service-${n}/*`);
    expect(reaching([...many, 'shop/**'], 'shop/front/*')).toBe(3_000);
    expect(reaching(many, 'team2999/service-2999/a')).toBe(2_999);
  });

  it('is not searched for endlessly, whatever the patterns are', () => {
    const hostile = Array.from({ length: 200 }, (_, n) => `${'*a'.repeat(60)}*${n}*`);
    const rules = new EarlierRules();
    for (const [index, match] of hostile.entries()) {
      expect(rules.reaching(`${'*a'.repeat(61)}*${index}*z`) ?? { index: 0 }).toHaveProperty('index');
      rules.add({ match, index });
    }
    // Equal ones are still found.
    expect(rules.reaching(hostile[7] ?? '')).toMatchObject({ index: 7 });
  });

  it.each(['a/*', '**/nginx', 'a/**/b', '**', 'a?c*/**'])('%s matches its sample', (pattern) => {
    expect(compileGlob(pattern, 'repository')(sampleName(pattern))).toBe(true);
  });
});
