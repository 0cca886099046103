import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob, globCovers, globProblem } from '../../../core/policy/glob.ts';

describe('a pattern for repositories', () => {
  it.each<[pattern: string, yes: string[], no: string[]]>([
    [
      'library/nginx',
      ['library/nginx'],
      ['library/nginx2', 'library', 'xlibrary/nginx', 'library/nginx/x', ''],
    ],
    ['library/*', ['library/nginx', 'library/a-b_c.d'], ['library/a/b', 'library', 'other/nginx']],
    ['*/nginx', ['library/nginx'], ['nginx', 'a/b/nginx']],
    ['a?c', ['abc', 'a-c'], ['a/c', 'ac', 'abbc']],
    ['*', ['nginx', 'a-b'], ['a/b']],
    ['team-*/api', ['team-/api', 'team-a/api'], ['team-a/b/api', 'team/api']],
    ['**', ['nginx', 'a/b/c', ''], []],
    ['acme/**', ['acme/api', 'acme/a/b/c'], ['acme', 'acmeX/api']],
    ['**/api', ['api', 'acme/api', 'a/b/api'], ['xapi', 'a/xapi', 'api/x']],
    ['acme/**/api', ['acme/api', 'acme/a/api', 'acme/a/b/api'], ['acme/xapi', 'acmeapi', 'acme/a/xapi']],
    ['acme/**/**/api', ['acme/api', 'acme/a/api', 'acme/a/b/c/api'], ['acme/xapi']],
    ['acme-**', ['acme-', 'acme-a/b'], ['acme']],
    ['a**b/c', ['ab/c', 'a/x/b/c', 'axb/c'], ['ab', 'a/c']],
    ['**/*/x', ['a/x', 'a/b/x'], ['x']],
    ['a.b', ['a.b'], ['axb']],
  ])('%s', (pattern, yes, no) => {
    const matches = compileGlob(pattern, 'repository');
    for (const name of yes) expect([name, matches(name)]).toEqual([name, true]);
    for (const name of no) expect([name, matches(name)]).toEqual([name, false]);
  });
});

describe('a pattern for tags', () => {
  it.each<[pattern: string, yes: string[], no: string[]]>([
    ['1.*', ['1.', '1.27', '1.27.3-alpine'], ['1', '11.2', '21.']],
    ['*-perl', ['1.27-perl', '-perl'], ['perl', '1.27-perl2']],
    ['v?.*', ['v1.0'], ['v10', '1.0']],
    ['*', ['latest', ''], []],
    ['**', ['latest'], []],
    ['1.27', ['1.27'], ['1x27', '1.27.3']],
  ])('%s', (pattern, yes, no) => {
    const matches = compileGlob(pattern, 'tag');
    for (const tag of yes) expect([tag, matches(tag)]).toEqual([tag, true]);
    for (const tag of no) expect([tag, matches(tag)]).toEqual([tag, false]);
  });
});

describe('compileGlob', () => {
  it('does what a regular expression of the same meaning does', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', '/', '.', '-')).map((parts) => parts.join(''));
    const patterns = fc
      .array(fc.constantFrom('a', 'b', '/', '.', '*', '?', '**', '**/', '/**/'), { maxLength: 8 })
      .map((parts) => parts.join(''))
      .filter((pattern) => !pattern.includes('***'));
    fc.assert(
      fc.property(patterns, letters, (pattern, name) => {
        expect(compileGlob(pattern, 'repository')(name)).toBe(asRegExp(pattern).test(name));
      }),
      { numRuns: 1000 },
    );
  });

  it('takes linear time on names that make backtracking matchers explode', () => {
    const matches = compileGlob(`${'a*'.repeat(100)}b`, 'repository');
    expect(matches('a'.repeat(20_000))).toBe(false);
    expect(compileGlob(`${'**/a'.repeat(40)}x`, 'repository')('a/'.repeat(10_000))).toBe(false);
  });
});

describe('globProblem', () => {
  it.each([
    ['repository', 'library/nginx'],
    ['repository', '**'],
    ['repository', 'a__b/c--d/e.f?*'],
    ['tag', 'v1.*-alpine_3'],
    ['tag', '_x'],
  ] as const)('accepts the %s pattern %s', (kind, pattern) =>
    expect(globProblem(pattern, kind)).toBeUndefined(),
  );

  it.each([
    ['repository', '', /empty/],
    ['repository', 'Library/nginx', /upper case.*library\/nginx/],
    ['repository', 'nginx:1.27', /tag or a digest/],
    ['repository', 'a/{b,c}', /"\{"/],
    ['repository', '!a', /"!"/],
    ['repository', 'a//b', /empty path component/],
    ['repository', 'a/', /empty path component/],
    ['repository', 'a***', /two \* in a row/],
    ['repository', 'a'.repeat(256), /256 characters/],
    ['tag', '', /empty/],
    ['tag', 'a/b', /"\/"/],
    ['tag', '-perl', /"\*-perl"/],
    ['tag', 'a'.repeat(129), /129 characters/],
  ] as const)('refuses the %s pattern %s', (kind, pattern, problem) =>
    expect(globProblem(pattern, kind)).toMatch(problem),
  );
});

/** The meaning of a pattern, written another way. */
function asRegExp(pattern: string): RegExp {
  const source = pattern.replace(/(?<=^|\/)\*\*\/|\*\*|\*|\?|[.-]/g, (part) => {
    if (part === '**/') return '(?:[^]*/)?';
    if (part === '**') return '[^]*';
    if (part === '*') return '[^/]*';
    return part === '?' ? '[^/]' : `\\${part}`;
  });
  return new RegExp(`^${source}$`);
}

describe('globCovers', () => {
  it.each([
    ['**', 'library/nginx', true],
    ['**', 'a/**', true],
    ['library/*', 'library/nginx', true],
    ['library/*', 'library/ngin?', true],
    ['acme/**', 'acme/x/*', true],
    ['acme/**/api', 'acme/api', true],
    ['a*', 'ab*', true],
    ['*/*', 'library/*', true],
    ['library/*', 'library/**', false],
    ['library/*', 'lib*/nginx', false],
    ['acme/x/*', 'acme/**', false],
    ['a?', 'a*', false],
    ['ab*', 'a*', false],
    ['acme/**/api', 'acme/**', false],
    ['library/nginx', 'library/*', false],
  ])('%s covers all of %s: %s', (outer, inner, covers) => expect(globCovers(outer, inner)).toBe(covers));

  it('never claims to cover a pattern that matches something else', () => {
    const part = fc.constantFrom('a', 'b', '/', '*', '**', '?');
    const pattern = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));
    const letters = fc.array(fc.constantFrom('a', 'b', '/'), { minLength: 1, maxLength: 6 });
    const names = fc.array(
      letters.map((parts) => parts.join('')),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(pattern, pattern, names, (outer, inner, some) => {
        if (globProblem(outer, 'repository') || globProblem(inner, 'repository')) return;
        if (!globCovers(outer, inner)) return;
        const [isOuter, isInner] = [compileGlob(outer, 'repository'), compileGlob(inner, 'repository')];
        for (const name of some)
          if (isInner(name)) expect(isOuter(name), `${outer} ${inner} ${name}`).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it('terminates on patterns that are made to take long', () => {
    const hostile = 'a*'.repeat(120);
    expect(globCovers(`${hostile}b`, `*${hostile}`)).toBe(false);
  });
});
