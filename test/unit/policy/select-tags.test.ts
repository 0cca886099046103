import { describe, expect, it } from 'vitest';
import type { RepositoryRule } from '../../../core/config/config.ts';
import { selectTags } from '../../../core/policy/select-tags.ts';

const rule = (tags: Partial<RepositoryRule['tags']>): RepositoryRule => ({
  match: '**',
  tags: { include: ['*'], exclude: [], ...tags },
  referrers: true,
  deleted: 'keep',
});

const signature = `sha256-${'a'.repeat(64)}`;

describe('selectTags', () => {
  it('takes all tags, each once and in their order', () => {
    expect(selectTags(rule({}), ['b', 'a', 'b', 'latest'])).toEqual(['b', 'a', 'latest']);
  });

  it('never takes signatures for images', () => {
    const tags = [
      signature,
      `${signature}.sig`,
      `${signature}.att`,
      `${signature}.sbom`,
      `${signature}.other`,
    ];
    expect(selectTags(rule({ include: ['*', 'sha256-*'] }), tags)).toEqual([`${signature}.other`]);
  });

  it('takes what is included and not excluded', () => {
    const tags = ['1.26', '1.27', '1.27-perl', '2.0', 'latest'];
    expect(selectTags(rule({ include: ['1.*', 'latest'], exclude: ['*-perl', '1.26'] }), tags)).toEqual([
      '1.27',
      'latest',
    ]);
  });

  it.each<[range: string, tags: string[], selected: string[]]>([
    ['>=1.25', ['1.24.9', '1.25', 'v1.25.0', '1', '2', 'latest', 'stable'], ['1.25', 'v1.25.0', '2']],
    ['^1.27.1', ['1.27', '1.27.0', '1.27.1', 'v1.28', '2.0.0'], ['1.27.1', 'v1.28']],
    ['>=22.4', ['20.04', '22.04', '24.04', '24.10'], ['22.04', '24.04', '24.10']],
    ['*', ['1.2.3.4', '20240329', '123456', '1234567-alpine', '1.2_3', 'V1.2', '12345'], ['12345']],
    ['*', ['99999999999999999999.1', '1.x', '01.02.03'], ['01.02.03']],
    ['1.x || 3.x', ['1.0', '2.0', '3.1.4'], ['1.0', '3.1.4']],
  ])('semver %s', (semver, tags, selected) => {
    expect(selectTags(rule({ semver }), tags)).toEqual(selected);
  });

  it('takes versions with a suffix only where a pattern names one', () => {
    const tags = ['1.27.3', '1.27.3-alpine', '1.27.3-alpine3.20', '1.28.0-rc.1', '1.20.0-alpine'];
    const semver = '>=1.25';
    expect(selectTags(rule({ include: ['1.*'], semver }), tags)).toEqual(['1.27.3']);
    expect(selectTags(rule({ include: ['*-alpine'], semver }), tags)).toEqual(['1.27.3-alpine']);
    expect(selectTags(rule({ include: ['1.*', '*-rc.*'], semver }), tags)).toEqual(['1.27.3', '1.28.0-rc.1']);
    expect(selectTags(rule({ include: ['*-*'], exclude: ['*-rc*'], semver }), tags)).toEqual([
      '1.27.3-alpine',
      '1.27.3-alpine3.20',
    ]);
  });

  it('takes the newest versions', () => {
    const tags = ['1.9.0', '1.10.0', '1.2.0', 'latest', '2.0.0', '1.10.1'];
    expect(selectTags(rule({ latest: 3 }), tags)).toEqual(['1.10.0', '2.0.0', '1.10.1']);
    expect(selectTags(rule({ latest: 2, semver: '<2' }), tags)).toEqual(['1.10.0', '1.10.1']);
    expect(selectTags(rule({ latest: 100 }), tags)).toEqual(['1.9.0', '1.10.0', '1.2.0', '2.0.0', '1.10.1']);
  });

  it('orders what has one number: a release after its candidates, the fuller tag after the shorter', () => {
    const include = ['*', '*-*'];
    const newest = (tags: string[]) => selectTags(rule({ include, latest: 1 }), tags);
    expect(newest(['1.28.0-rc.2', '1.28.0', '1.28.0-rc.10'])).toEqual(['1.28.0']);
    expect(newest(['1.28.0-rc.2', '1.28.0-rc.10', '1.28.0-rc.9'])).toEqual(['1.28.0-rc.10']);
    expect(newest(['1.28', '1.28.0', 'v1'])).toEqual(['1.28.0']);
    expect(newest(['1.28.0-a_1', '1.28.0-a_2'])).toEqual(['1.28.0-a_2']);
  });

  it('does not depend on the order of the tags', () => {
    const tags = ['1.0.0', 'v1.0.0', '1.0', '1', '1.0.1'];
    const chosen = new Set(selectTags(rule({ latest: 2 }), tags));
    expect(new Set(selectTags(rule({ latest: 2 }), tags.toReversed()))).toEqual(chosen);
  });
});
