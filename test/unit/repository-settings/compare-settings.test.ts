import { describe, expect, it } from 'vitest';
import type { RepositorySettings } from '../../../core/config/config.ts';
import { compareSettings } from '../../../core/repository-settings/compare-settings.ts';
import type { FoundSettings, SettingChange } from '../../../core/repository-settings/settings.ts';

const wanted: RepositorySettings = {
  scanOnPush: true,
  encryption: { type: 'AES256' },
  immutableTags: false,
  pullAccounts: [],
  organizations: [],
  lifecycle: [],
};
const inLine: FoundSettings = {
  arn: 'arn:aws:ecr:eu-west-1:111122223333:repository/mirror/app',
  scanOnPush: true,
  mutability: { setting: 'MUTABLE', except: [] },
  encryption: { type: 'AES256' },
  tags: {},
};
const compare = (found: Partial<FoundSettings>, settings: Partial<RepositorySettings> = {}) =>
  compareSettings({ ...inLine, ...found }, { ...wanted, ...settings });
const [one, two] = ['444455556666', '012345678901'];
const pulls = ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];
const root = (account: string) => `arn:aws:iam::${account}:root`;
const accounts = (...principals: string[]) => ({
  Sid: 'DrayagePullAccounts',
  Effect: 'Allow',
  Principal: { AWS: principals },
  Action: pulls,
});
const organizations = (...ids: string[]) => ({
  Sid: 'DrayagePullOrganizations',
  Effect: 'Allow',
  Principal: '*',
  Action: pulls,
  Condition: { StringEquals: { 'aws:PrincipalOrgID': ids } },
});
const theirs = { Sid: 'Team', Effect: 'Allow', Principal: { AWS: root('999988887777') }, Action: 'ecr:*' };
const policy = (...statements: object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements });
const policyOf = ({ changes: [change] }: { changes: SettingChange[] }) => {
  if (change === undefined || !('policy' in change)) throw new Error('no policy is changed');
  return change.policy === undefined ? undefined : JSON.parse(change.policy);
};

describe('a repository that is in line', () => {
  it('is not changed', () => {
    expect(compare({})).toEqual({ changes: [], unchangeable: [] });
  });

  it.each([
    ['principals in another order', policy(accounts(root(two), root(one)))],
    ['accounts by their IDs', policy(accounts(one, two))],
    ['a policy of a team beside it', policy(theirs, accounts(root(one), root(two)))],
    ['actions in another order', policy({ ...accounts(one, two), Action: pulls.toReversed() })],
    ['keys in another order', policy(Object.fromEntries(Object.entries(accounts(one, two)).reverse()))],
  ])('is not changed for %s', (_, repositoryPolicy) => {
    expect(compare({ repositoryPolicy }, { pullAccounts: [one, two] }).changes).toEqual([]);
  });

  it('is not changed for a text where a list of one was put', () => {
    const repositoryPolicy = JSON.stringify({
      Statement: { ...accounts(), Principal: { AWS: root(one) } },
    });
    expect(compare({ repositoryPolicy }, { pullAccounts: [one] }).changes).toEqual([]);
  });

  it('is not changed for tag filters in another order, or tags that others set', () => {
    const found = {
      mutability: { setting: 'IMMUTABLE_WITH_EXCLUSION', except: ['b*', 'a*'] },
      tags: { team: 'platform', 'cost-center': '7' },
    };
    const settings = { immutableTags: { except: ['a*', 'b*'] }, tags: { team: 'platform' } };
    expect(compare(found, settings).changes).toEqual([]);
  });
});

describe('a repository that has drifted', () => {
  it('is changed where it differs, and only there', () => {
    const found = {
      scanOnPush: false,
      mutability: { setting: 'IMMUTABLE', except: [] },
      tags: { team: 'old', other: 'x' },
    };
    expect(compare(found, { tags: { team: 'platform', env: 'prod' } }).changes).toEqual([
      { setting: 'scanOnPush', scanOnPush: true },
      { setting: 'immutableTags', mutability: { setting: 'MUTABLE', except: [] } },
      { setting: 'tags', tags: { team: 'platform', env: 'prod' } },
    ]);
  });

  it.each([
    [true, { setting: 'IMMUTABLE', except: [] }],
    [{ except: ['latest*'] }, { setting: 'IMMUTABLE_WITH_EXCLUSION', except: ['latest*'] }],
  ])('gets immutable tags: %j', (immutableTags, mutability) => {
    expect(compare({}, { immutableTags }).changes).toEqual([{ setting: 'immutableTags', mutability }]);
  });
});

describe('who may pull', () => {
  it('gets statements of our own beside those of a team', () => {
    const repositoryPolicy = JSON.stringify({ Version: '2008-10-17', Id: 'team', Statement: [theirs] });
    const changed = compare({ repositoryPolicy }, { pullAccounts: [one], organizations: ['o-a1b2c3d4e5'] });
    expect(policyOf(changed)).toEqual({
      Version: '2008-10-17',
      Id: 'team',
      Statement: [theirs, accounts(root(one)), organizations('o-a1b2c3d4e5')],
    });
  });

  it('is named in the partition of the repository', () => {
    const arn = 'arn:aws-cn:ecr:cn-north-1:111122223333:repository/mirror/app';
    expect(policyOf(compare({ arn }, { pullAccounts: [one] })).Statement).toEqual([
      accounts(`arn:aws-cn:iam::${one}:root`),
    ]);
  });

  it.each([
    ['another account', accounts(root(one), root('999988887777'))],
    ['an account less', accounts(root(one))],
    ['more actions', { ...accounts(root(one), root(two)), Action: 'ecr:*' }],
    ['another effect', { ...accounts(root(one), root(two)), Effect: 'Deny' }],
    [
      'a condition',
      { ...accounts(root(one), root(two)), Condition: { Bool: { 'aws:SecureTransport': true } } },
    ],
    ['a role where the account should be', accounts(root(one), `arn:aws:iam::${two}:role/x`)],
  ])('is put right if our statement has %s', (_, statement) => {
    const repositoryPolicy = policy(statement, theirs);
    const changed = compare({ repositoryPolicy }, { pullAccounts: [one, two] });
    expect(policyOf(changed).Statement).toEqual([theirs, accounts(root(one), root(two))]);
  });

  it('loses access when the configuration does not name it any more', () => {
    const settings = { organizations: ['o-a1b2c3d4e5'] };
    const repositoryPolicy = policy(accounts(root(one)), theirs, organizations('o-a1b2c3d4e5'));
    const changed = compare({ repositoryPolicy }, settings);
    expect(policyOf(changed).Statement).toEqual([theirs, organizations('o-a1b2c3d4e5')]);
  });

  it('leaves no policy if no statement is left', () => {
    const repositoryPolicy = policy(accounts(root(one)));
    expect(compare({ repositoryPolicy }).changes).toEqual([{ setting: 'pulls', policy: undefined }]);
  });

  it.each(['not JSON', '[]', '{"Statement":["x"]}'])('stays if the policy can’t be read: %s', (text) => {
    const { changes, unchangeable } = compare({ repositoryPolicy: text }, { pullAccounts: [one] });
    expect(changes).toEqual([]);
    expect(unchangeable).toEqual([expect.stringContaining('repository policy')]);
  });
});

describe('lifecycle rules', () => {
  const rule = (rulePriority: number, more: object = {}) => ({
    rulePriority,
    selection: { tagStatus: 'tagged', tagPatternList: ['a*', 'b*'], countType: 'x', countNumber: 9 },
    action: { type: 'expire' },
    ...more,
  });
  const text = (...rules: object[]) => JSON.stringify({ rules });

  it('replace the policy, and say where they come from', () => {
    const changed = compare(
      { lifecyclePolicy: text(rule(7)) },
      { lifecycle: [rule(1), rule(2, { description: 'old ones' })] },
    );
    expect(policyOf(changed)).toEqual({
      rules: [rule(1, { description: 'Drayage' }), rule(2, { description: 'Drayage: old ones' })],
    });
  });

  it('are not put again in another order', () => {
    const ours = { description: 'Drayage' };
    const patterns = { ...rule(2).selection, tagPatternList: ['b*', 'a*'] };
    const lifecyclePolicy = text(rule(1, ours), rule(2, { ...ours, selection: patterns }));
    expect(compare({ lifecyclePolicy }, { lifecycle: [rule(2), rule(1)] }).changes).toEqual([]);
  });

  it('that a team set stay if the configuration has none', () => {
    expect(compare({ lifecyclePolicy: text(rule(1), rule(2)) }).changes).toEqual([]);
  });

  it('of an earlier configuration go', () => {
    const ours = rule(1, { description: 'Drayage: old ones' });
    expect(compare({ lifecyclePolicy: text(ours) }).changes).toEqual([
      { setting: 'lifecycle', policy: undefined },
    ]);
    expect(policyOf(compare({ lifecyclePolicy: text(ours, rule(2)) }))).toEqual({ rules: [rule(2)] });
  });

  it('that can’t be read are replaced, or left alone if there are no others', () => {
    expect(compare({ lifecyclePolicy: 'x' }, { lifecycle: [rule(1)] }).changes).toHaveLength(1);
    const { changes, unchangeable } = compare({ lifecyclePolicy: 'x' });
    expect(changes).toEqual([]);
    expect(unchangeable).toEqual([expect.stringContaining('lifecycle policy')]);
  });
});

describe('encryption that differs', () => {
  const id = '12345678-1234-1234-1234-123456789012';
  const arn = `arn:aws:kms:eu-west-1:111122223333:key/${id}`;

  it.each([
    [{ type: 'AES256' }, { type: 'KMS', kmsKey: 'alias/x' }, 'with AES256'],
    [{ type: 'KMS', kmsKey: arn }, { type: 'AES256' }, 'asks for AES256'],
    [{ type: 'KMS_DSSE', kmsKey: arn }, { type: 'KMS', kmsKey: arn }, 'with KMS_DSSE'],
    [{ type: 'KMS', kmsKey: arn }, { type: 'KMS', kmsKey: id.replace('1', '2') }, arn],
  ] as const)('is told, and not changed: %j', (encryption, asked, told) => {
    const { changes, unchangeable } = compare({ encryption }, { encryption: asked });
    expect(changes).toEqual([]);
    expect(unchangeable).toEqual([expect.stringContaining(told)]);
  });

  it.each([id, arn, 'alias/x', 'arn:aws:kms:eu-west-1:111122223333:alias/x'])(
    'is not told if it may be the same key: %s',
    (kmsKey) => {
      const encryption = { type: 'KMS', kmsKey: arn };
      expect(compare({ encryption }, { encryption: { type: 'KMS', kmsKey } }).unchangeable).toEqual([]);
    },
  );
});
