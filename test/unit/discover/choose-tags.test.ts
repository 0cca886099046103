import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseTags, selects } from '../../../core/discover/choose-tags.ts';

const hex = '3f2a9c1';

describe('the tags that a rule names', () => {
  it.each([
    ['a version', ['1.27.3'], { semver: '>=1.27.3 <2' }],
    ['several versions', ['1.27.3', 'v1.26', '2.0.1'], { semver: '>=1.26 <3' }],
    ['a version below one', ['v0.80.1'], { semver: '>=0.80.1 <1' }],
    ['a major version', ['16'], { semver: '>=16 <17' }],
    ['leading zeros', ['24.04'], { semver: '>=24.4 <25' }],
    ['more numbers than semver has', ['4.0.9.2244'], { semver: '>=4.0.9 <5' }],
    ['a suffix', ['1.27.3-alpine'], { include: ['*-alpine'], semver: '>=1.27.3 <2' }],
    ['a suffix that counts', ['1.27-alpine3.20'], { include: ['*-alpine3.*'], semver: '>=1.27 <2' }],
    ['with and without', ['7.4', '7.2-alpine'], { include: ['*', '*-alpine'], semver: '>=7.2 <8' }],
    ['a revision', ['16.4.0-debian-12-r14'], { include: ['*-debian-12-r*'], semver: '>=16.4.0 <17' }],
    ['an architecture', ['1.2.3-amd64'], { include: ['*-amd64'], semver: '>=1.2.3 <2' }],
    ['a release candidate', ['1.28.0-rc.1'], { include: ['*-rc.*'], semver: '>=1.28.0 <2' }],
    ['a commit behind', [`1.2.3-5-g${hex}`], { include: ['*-5-*'], semver: '>=1.2.3 <2' }],
    ['years', ['2024.1.3'], { semver: '>=2024.1.3' }],
    ['dates', ['2024-01-15'], { semver: '>=2024.1.15' }],
    ['build numbers', ['20240329', '20240501'], { semver: '>=20240329' }],
    ['a word', ['latest'], { include: ['latest'] }],
    ['words and versions', ['latest', '1.36'], { include: ['1.*', 'latest'], exclude: ['*-*'] }],
    ['words and suffixes', ['latest', '1.36-glibc'], { include: ['1.*-glibc', 'latest'] }],
    ['a time', ['RELEASE.2024-01-16T16-07-38Z'], { include: ['RELEASE.*'] }],
    ['a branch and a commit', [`main-${hex}`], { include: ['main-*'] }],
    ['a commit that begins with a letter', ['sha-abcdef1'], { include: ['sha-*'] }],
    ['versions that semver does not know', ['17.0.2_8-jre'], { include: ['17.*'] }],
    ['commits', [hex, '9e107d9'], {}],
    ['many words', Array.from({ length: 30 }, (_, i) => `${'abcdefghij'[i % 10]}${'klm'[i % 3]}x`), {}],
  ])('%s: %j', (_, tags, choice) => {
    expect(chooseTags(tags)).toEqual(choice);
  });

  it('selects whatever it was made from', () => {
    const part = fc.oneof(
      fc.constantFrom('1', '27', 'v2', '0', 'alpine', 'rc', 'latest', hex, '20240329', 'r14', 'amd64', '_'),
      fc.stringMatching(/^[A-Za-z0-9_]{1,8}$/),
    );
    const tag = fc
      .array(fc.tuple(part, fc.constantFrom('.', '-', '_', '', '--', '..')), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.flat().join('').slice(0, 128))
      .filter((text) => /^\w[\w.-]*$/.test(text) && !/^sha256-[0-9a-f]{64}/.test(text));
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1, maxLength: 30 }), (tags) => selects(chooseTags(tags), tags)),
      { numRuns: 1_500 },
    );
  }, 30_000);
});
