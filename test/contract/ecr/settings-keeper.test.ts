import {
  CreateRepositoryCommand,
  DescribeRepositoriesCommand,
  GetLifecyclePolicyCommand,
  GetRepositoryPolicyCommand,
  ListTagsForResourceCommand,
  SetRepositoryPolicyCommand,
} from '@aws-sdk/client-ecr';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EcrSettingsKeeper } from '../../../core/aws/ecr/settings/keeper.ts';
import type { RepositorySettings } from '../../../core/config/config.ts';
import type { KeptSettings } from '../../../core/repository-settings/settings.ts';
import { rejectionOf, runEcr } from './ecr-fixture.ts';

const named = { repositoryName: 'team/app' };
const resourceArn = 'arn:aws:ecr:eu-west-1:000000000000:repository/team/app';
const wanted: RepositorySettings = {
  scanOnPush: true,
  encryption: { type: 'AES256' },
  immutableTags: { except: ['latest*', 'edge'] },
  pullAccounts: ['111122223333', '444455556666'],
  organizations: ['o-a1b2c3d4e5'],
  lifecycle: [
    {
      rulePriority: 2,
      selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 900 },
      action: { type: 'expire' },
    },
    {
      rulePriority: 1,
      selection: { tagStatus: 'tagged', tagPatternList: ['b*', 'a*'], countType: 'x', countNumber: 9 },
      action: { type: 'expire' },
    },
  ],
  tags: { team: 'platform' },
};
const defaults: RepositorySettings = {
  scanOnPush: false,
  encryption: { type: 'AES256' },
  immutableTags: false,
  pullAccounts: [],
  organizations: [],
  lifecycle: [],
};

/** An embedded ECR with `team/app`, and keepers of its settings. */
async function setUp() {
  const { client, registry } = await runEcr();
  let now = 0;
  const reports: KeptSettings[] = [];
  const keeperOf = (settings: RepositorySettings) => {
    const keeper = new EcrSettingsKeeper(settings, {
      client: {
        endpoint: registry.endpoint,
        region: 'eu-west-1',
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
        maxAttempts: 1,
      },
      now: () => now,
      report: (kept) => reports.push(kept),
    });
    onTestFinished(() => keeper.close());
    return keeper;
  };
  const pass = (ms: number) => {
    now += ms;
  };
  const operations = () => {
    const all = registry.requests.map(({ operation }) => operation ?? '').sort();
    registry.clearRequests();
    return all;
  };
  operations();
  return { client, registry, keeperOf, reports, pass, operations };
}

const reading = ['DescribeRepositories', 'GetLifecyclePolicy', 'GetRepositoryPolicy'];

describe('keeping the settings of a repository', () => {
  it('puts all of them right, and changes nothing the next time', async () => {
    const { client, keeperOf, operations } = await setUp();
    const all = ['scanOnPush', 'immutableTags', 'pulls', 'lifecycle', 'tags'];
    const nothing = { repository: 'team/app', exists: true, changed: [], differs: [], failed: [] };
    expect(await keeperOf(wanted).keepInLine('team/app')).toEqual({ ...nothing, changed: all });

    const { repositories } = await client.send(new DescribeRepositoriesCommand({}));
    expect(repositories).toMatchObject([
      {
        imageScanningConfiguration: { scanOnPush: true },
        imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
        imageTagMutabilityExclusionFilters: [{ filter: 'latest*' }, { filter: 'edge' }],
      },
    ]);
    const { policyText = '' } = await client.send(new GetRepositoryPolicyCommand(named));
    for (const text of ['111122223333:root', '444455556666:root', 'o-a1b2c3d4e5'])
      expect(policyText).toContain(text);
    const { lifecyclePolicyText = '' } = await client.send(new GetLifecyclePolicyCommand(named));
    expect(JSON.parse(lifecyclePolicyText).rules).toHaveLength(2);
    const { tags } = await client.send(new ListTagsForResourceCommand({ resourceArn }));
    expect(tags).toEqual([{ Key: 'team', Value: 'platform' }]);

    operations();
    expect(await keeperOf(wanted).keepInLine('team/app')).toEqual(nothing);
    expect(operations()).toEqual([...reading, 'ListTagsForResource']);
  });

  it('takes back what the configuration does not ask for any more, but not a team’s statements', async () => {
    const { client, keeperOf } = await setUp();
    await keeperOf(wanted).keepInLine('team/app');
    const { policyText = '' } = await client.send(new GetRepositoryPolicyCommand(named));
    const document = JSON.parse(policyText);
    const theirs = { Sid: 'Team', Effect: 'Allow', Principal: '*', Action: 'ecr:ListImages' };
    document.Statement.push(theirs);
    const command = new SetRepositoryPolicyCommand({ ...named, policyText: JSON.stringify(document) });
    await client.send(command);

    await keeperOf(defaults).keepInLine('team/app');
    const left = await client.send(new GetRepositoryPolicyCommand(named));
    expect(JSON.parse(left.policyText ?? '').Statement).toEqual([theirs]);
    const lifecycle = client.send(new GetLifecyclePolicyCommand(named));
    expect((await rejectionOf(lifecycle)).name).toBe('LifecyclePolicyNotFoundException');
    const { tags } = await client.send(new ListTagsForResourceCommand({ resourceArn }));
    expect(tags).toEqual([{ Key: 'team', Value: 'platform' }]);
  });

  it('costs three calls an hour, however many ask', async () => {
    const { keeperOf, operations, pass, reports } = await setUp();
    const keeper = keeperOf(defaults);
    await Promise.all(Array.from({ length: 10 }, () => keeper.keepInLine('team/app')));
    expect(operations()).toEqual(reading);
    pass(59 * 60_000);
    expect(await keeper.keepInLine('team/app')).toBeUndefined();
    expect(operations()).toEqual([]);
    expect(reports).toHaveLength(1);
    pass(2 * 60_000);
    await keeper.keepInLine('team/app');
    expect(operations()).toEqual(reading);
  });

  it('looks at once if it is asked to, or if the repository was created anew', async () => {
    const { keeperOf, operations } = await setUp();
    const keeper = keeperOf(defaults);
    await keeper.keepInLine('team/app');
    operations();
    await keeper.keepInLine('team/app', { fresh: true });
    expect(operations()).toEqual(reading);
    keeper.forget('team/app');
    await keeper.keepInLine('team/app');
    expect(operations()).toEqual(reading);
  });

  it('tells what it would change, and changes nothing, in a dry run', async () => {
    const { keeperOf, operations } = await setUp();
    const keeper = keeperOf({ ...defaults, scanOnPush: true });
    const kept = await keeper.keepInLine('team/app', { dryRun: true });
    expect(kept).toMatchObject({ changed: ['scanOnPush'] });
    expect(operations()).toEqual(reading);
    expect(await keeper.keepInLine('team/app')).toMatchObject({ changed: ['scanOnPush'] });
    expect(operations()).toContain('PutImageScanningConfiguration');
  });

  it('does nothing about a repository that does not exist, until it does', async () => {
    const { client, keeperOf } = await setUp();
    const keeper = keeperOf({ ...defaults, scanOnPush: true });
    expect(await keeper.keepInLine('not/yet')).toMatchObject({ exists: false, failed: [] });
    await client.send(new CreateRepositoryCommand({ repositoryName: 'not/yet' }));
    expect(await keeper.keepInLine('not/yet')).toMatchObject({ exists: true, changed: ['scanOnPush'] });
  });

  it('tells encryption that differs', async () => {
    const { keeperOf } = await setUp();
    const keeper = keeperOf({ ...defaults, encryption: { type: 'KMS', kmsKey: 'alias/x' } });
    const kept = await keeper.keepInLine('team/app');
    expect(kept).toMatchObject({ changed: [], differs: [expect.stringContaining('AES256')] });
  });
});

describe('a setting that can’t be kept', () => {
  it.each([
    ['GetRepositoryPolicy', 'pulls'],
    ['SetRepositoryPolicy', 'pulls'],
    ['PutImageTagMutability', 'immutableTags'],
    ['ListTagsForResource', 'tags'],
  ])('does not keep the others from being put right: %s', async (operation, setting) => {
    const { keeperOf, registry } = await setUp();
    registry.faults.add({ match: { operation }, action: { kind: 'status', status: 400 } });
    const kept = await keeperOf(wanted).keepInLine('team/app');
    expect(kept?.failed).toEqual([{ setting, error: expect.objectContaining({ operation }) }]);
    expect(kept?.changed).toHaveLength(4);
    expect(kept?.changed).not.toContain(setting);
  });

  it('never replaces a policy that could not be read', async () => {
    const { keeperOf, registry, operations } = await setUp();
    for (const operation of ['GetRepositoryPolicy', 'GetLifecyclePolicy'])
      registry.faults.add({ match: { operation }, action: { kind: 'cut' } });
    await keeperOf(wanted).keepInLine('team/app');
    const changes = operations().filter((name) => /Policy$/.test(name) && !name.startsWith('Get'));
    expect(changes).toEqual([]);
  });

  it('is tried again after a minute if that may help', async () => {
    const { keeperOf, registry, pass } = await setUp();
    const keeper = keeperOf(defaults);
    registry.faults.add({
      match: { operation: 'DescribeRepositories', times: 1 },
      action: { kind: 'status', status: 500 },
    });
    expect((await keeper.keepInLine('team/app'))?.failed).toMatchObject([{ setting: 'all' }]);
    expect(await keeper.keepInLine('team/app')).toBeUndefined();
    pass(61_000);
    expect((await keeper.keepInLine('team/app'))?.failed).toEqual([]);
  });

  it('is tried again after an hour if ECR refuses it for good', async () => {
    const { keeperOf, pass } = await setUp();
    const keeper = keeperOf({ ...defaults, pullAccounts: ['nobody'] });
    const failed = [{ setting: 'pulls', error: { code: 'InvalidParameterException' } }];
    expect(await keeper.keepInLine('team/app')).toMatchObject({ failed });
    pass(59 * 60_000);
    expect(await keeper.keepInLine('team/app')).toBeUndefined();
    pass(2 * 60_000);
    expect(await keeper.keepInLine('team/app')).toMatchObject({ failed });
  });

  it('does not hold up a caller that gives up', async () => {
    const { keeperOf, registry } = await setUp();
    registry.faults.add({ match: { operation: 'GetLifecyclePolicy' }, action: { kind: 'stall' } });
    const abort = new AbortController();
    const keeping = keeperOf(defaults).keepInLine('team/app', { signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 50);
    await expect(keeping).rejects.toThrow('enough');
  });

  it('is as wanted if somebody else deletes a policy at the same time', async () => {
    const { keeperOf } = await setUp();
    await keeperOf(wanted).keepInLine('team/app');
    const both = [keeperOf(defaults), keeperOf(defaults)].map((keeper) => keeper.keepInLine('team/app'));
    for (const kept of await Promise.all(both)) expect(kept?.failed).toEqual([]);
  });
});
