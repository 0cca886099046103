import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RepositoryRule } from '../../../core/config/config.ts';
import { selectTags } from '../../../core/policy/select-tags.ts';
import { compareVersions, tagVersion } from '../../../core/policy/tag-version.ts';

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
    [
      '*',
      ['1.2.3.4', '20240329', '123456', '1234567-alpine', '1.2_3', 'V1.2', '12345'],
      ['1.2.3.4', '123456', '12345'],
    ],
    ['>=90000', ['99998', '99999', '100000', '1.0'], ['99998', '99999', '100000']],
    ['>=20240201', ['20240129', '20240329', '3.20', '20240201'], ['20240329', '20240201']],
    ['>=4.0.9', ['4.0.8.9999', '4.0.9.2244', '4.1.0.1'], ['4.0.9.2244', '4.1.0.1']],
    ['>=2024.2.0', ['2024-01-15', '2024-02-01', '2024.03.04'], ['2024-02-01', '2024.03.04']],
    [
      '>=1.28.0-rc.2',
      ['1.28.0-rc.1', '1.28.0-rc.2', '1.28.0-rc.10', '1.28.0', '1.29.0-beta.1', '1.28.0-alpine', '1.27.9'],
      ['1.28.0-rc.2', '1.28.0-rc.10', '1.28.0', '1.29.0-beta.1'],
    ],
    ['1.26 - 1.28', ['1.26.0-rc.1', '1.27.0', '1.29'], ['1.27.0']],
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

  it('orders versions with the same numbers: a release after its candidates, the fuller tag after the shorter', () => {
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

/** Tags of real repositories, the oldest first. */
const families: Record<string, string[]> = {
  'release candidates': ['1.28.0-alpha.3', '1.28.0-beta', '1.28.0-rc9', '1.28.0-rc10', '1.28.0'],
  linuxserver: ['4.0.9.2244-ls99', '4.0.9.2244-ls101', '4.0.10.2544-ls1'],
  'revisions of a package': ['1.2.3', '1.2.3-r9', '1.2.3-r10', '1.2.4'],
  'bases of Debian': ['12.1.0-debian-9', '12.1.0-debian-10', '12.1.0-debian-12-r1', '12.1.0-debian-12-r10'],
  'git describe': ['v2.3.0', 'v2.3.0-9-g1a2b3c4', 'v2.3.0-63-g0c4d5e6', 'v2.3.1'],
  Plex: ['1.40.4.8679-424562606', '1.40.5.8854-96d0e2a9b', '1.41.0.8930-1d6a3f8b5'],
  Sonarr: ['4.0.9.2244', '4.0.10.2544', '4.0.11.2680'],
  'calendar versions': ['2023.12.31', '2024.01.15', '2024.1.16', '2024.10.2'],
  'dates with dashes': ['2023-12-31', '2024-01-15', '2024-10-02'],
  'dates without separators': ['20231231', '20240115', '20241002'],
  'build numbers': ['9', '10', '99999', '100000', '100001'],
  Ubuntu: ['20.04', '22.04', '22.10', '24.04'],
  'partial versions': ['1', '1.0', '1.0.0', '1.0.1'],
  'padded numbers': ['1.2.3-build007', '1.2.3-build08', '1.2.3-build9'],
};

describe('latest', () => {
  const newest = (tags: string[], latest: number) =>
    selectTags(rule({ include: ['*', '*-*'], latest }), tags);

  it.each(Object.entries(families))('knows the newest of %s', (_, tags) => {
    for (let count = 1; count <= tags.length; count += 1) {
      expect(newest(tags.toReversed(), count).toReversed()).toEqual(tags.slice(-count));
      expect(newest(tags, count)).toEqual(tags.slice(-count));
    }
  });

  it('does not treat dates as versions if there are others', () => {
    expect(newest(['20240329', '3.19', '3.20', '20230901'], 2)).toEqual(['3.19', '3.20']);
    expect(newest(['1.0', '99998', '99999', '100000', '100001'], 2)).toEqual(['100000', '100001']);
    expect(newest(['3', '20240329', '20230901'], 2)).toEqual(['20240329', '20230901']);
  });
});

describe('the order of versions', () => {
  const part = fc.constantFrom(
    '0',
    '1',
    '9',
    '10',
    '007',
    'rc',
    'rc9',
    'r',
    'ls',
    'debian',
    'alpine3',
    'g1a',
  );
  const suffix = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => `-${parts.join('-')}`);
  const numbers = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 4 });
  const tag = fc
    .tuple(numbers, fc.oneof(fc.constant(''), suffix))
    .map(([parts, rest]) => `${parts.join('.')}${rest}`);
  const compared = (a: string, b: string) => {
    const [one, other] = [tagVersion(a), tagVersion(b)];
    if (!one || !other) throw new Error(`${a} or ${b} is not a version`);
    return Math.sign(compareVersions(one, other));
  };

  it('is total: only the same version compares as equal, and no three form a cycle', () => {
    fc.assert(
      fc.property(tag, tag, tag, (a, b, c) => {
        expect(compared(a, b)).toBe(-compared(b, a) + 0);
        if (compared(a, b) === 0) expect(a).toBe(b);
        if (compared(a, b) <= 0 && compared(b, c) <= 0) expect(compared(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it('accepts any tag', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\w][\w.-]{0,127}$/), (text) => {
        const version = tagVersion(text);
        if (version) expect(Math.abs(compareVersions(version, version))).toBe(0);
      }),
    );
  });
});
