import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateRepositoryCommand,
  DeleteLifecyclePolicyCommand,
  DeleteRepositoryPolicyCommand,
  DescribeRepositoriesCommand,
  type ECRClient,
  GetLifecyclePolicyCommand,
  GetRepositoryPolicyCommand,
  ListTagsForResourceCommand,
  PutImageScanningConfigurationCommand,
  PutImageTagMutabilityCommand,
  PutLifecyclePolicyCommand,
  SetRepositoryPolicyCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-ecr';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startRegistry } from '../../../local/ecr/server.ts';
import { pushImage, seededImage } from '../../support/seeded-image.ts';
import { ecrClient, rejectionOf, runEcr, runRegistry } from './ecr-fixture.ts';

const repositoryName = 'team/app';
const resourceArn = 'arn:aws:ecr:eu-west-1:000000000000:repository/team/app';
const named = { repositoryName };
const pull = ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];
const allow = (...accounts: string[]) => ({ Effect: 'Allow', Principal: { AWS: accounts }, Action: pull });
const policyText = (...Statement: object[]) => JSON.stringify({ Version: '2012-10-17', Statement });
const rule = (rulePriority: number, tagStatus = 'tagged') => ({
  rulePriority,
  selection: { tagStatus, countType: 'imageCountMoreThan', countNumber: 100 },
  action: { type: 'expire' },
});
const lifecyclePolicyText = (...rules: object[]) => JSON.stringify({ rules });

async function describeRepository(client: ECRClient) {
  const { repositories } = await client.send(
    new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] }),
  );
  return repositories?.[0];
}

describe('settings of an existing repository', () => {
  it('can be changed: scans, and which tags may move', async () => {
    const { client, registry, authorization } = await runEcr();
    await client.send(
      new PutImageScanningConfigurationCommand({
        ...named,
        imageScanningConfiguration: { scanOnPush: true },
      }),
    );
    await client.send(
      new PutImageTagMutabilityCommand({
        ...named,
        imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
        imageTagMutabilityExclusionFilters: [{ filterType: 'WILDCARD', filter: 'latest' }],
      }),
    );
    expect(await describeRepository(client)).toMatchObject({
      imageScanningConfiguration: { scanOnPush: true },
      imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
      imageTagMutabilityExclusionFilters: [{ filterType: 'WILDCARD', filter: 'latest' }],
    });
    await client.send(new PutImageTagMutabilityCommand({ ...named, imageTagMutability: 'IMMUTABLE' }));
    expect(await describeRepository(client)).not.toHaveProperty('imageTagMutabilityExclusionFilters');
    const push = (seed: string) =>
      pushImage(registry.endpoint, repositoryName, 'v1', seededImage({ seed, layers: [{ size: 9 }] }), {
        authorization,
      });
    await push('one');
    await expect(push('two')).rejects.toThrow('400');
  });

  it('must fit each other', async () => {
    const { client } = await runEcr();
    const attempt = client.send(
      new PutImageTagMutabilityCommand({ ...named, imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION' }),
    );
    expect((await rejectionOf(attempt)).name).toBe('InvalidParameterException');
    const unknown = client.send(
      new PutImageTagMutabilityCommand({ repositoryName: 'not/there', imageTagMutability: 'MUTABLE' }),
    );
    expect((await rejectionOf(unknown)).name).toBe('RepositoryNotFoundException');
  });
});

describe('the policy of a repository', () => {
  it('is returned in ECR’s own form: accounts as ARNs, in another order, one as a text', async () => {
    const { client } = await runEcr();
    const two = { Sid: 'two', ...allow('111111111111', 'arn:aws:iam::222222222222:root') };
    const text = policyText(two, { Sid: 'one', ...allow('333333333333') });
    await client.send(new SetRepositoryPolicyCommand({ ...named, policyText: text }));
    const found = await client.send(new GetRepositoryPolicyCommand(named));
    const { Statement } = JSON.parse(found.policyText ?? '');
    expect(Statement.map(({ Principal }: { Principal: unknown }) => Principal)).toEqual([
      { AWS: ['arn:aws:iam::222222222222:root', 'arn:aws:iam::111111111111:root'] },
      { AWS: 'arn:aws:iam::333333333333:root' },
    ]);
  });

  it('is said not to exist before it is set, and after it was deleted', async () => {
    const { client } = await runEcr();
    const get = () => rejectionOf(client.send(new GetRepositoryPolicyCommand(named)));
    expect((await get()).name).toBe('RepositoryPolicyNotFoundException');
    const command = new SetRepositoryPolicyCommand({
      ...named,
      policyText: policyText(allow('111111111111')),
    });
    await client.send(command);
    await client.send(new DeleteRepositoryPolicyCommand(named));
    expect((await get()).name).toBe('RepositoryPolicyNotFoundException');
    const again = client.send(new DeleteRepositoryPolicyCommand(named));
    expect((await rejectionOf(again)).name).toBe('RepositoryPolicyNotFoundException');
  });

  it.each([
    ['not JSON', '{', 'Invalid repository policy provided'],
    ['no statement', '{"Statement":[]}', 'Invalid repository policy provided'],
    ['no principal', policyText({ Effect: 'Allow', Action: pull }), 'Invalid repository policy provided'],
    ['an unknown principal', policyText(allow('arn:aws:iam::1:root')), 'Principal not found'],
    ['10,241 characters', 'x'.repeat(10_241), 'policyText'],
  ])('is refused if it has %s', async (_, text, message) => {
    const { client } = await runEcr();
    const attempt = client.send(new SetRepositoryPolicyCommand({ ...named, policyText: text }));
    const error = await rejectionOf(attempt);
    expect(error.name).toBe('InvalidParameterException');
    expect(error.message).toContain(message);
  });
});

describe('the lifecycle policy of a repository', () => {
  it('is returned sorted by priority, and is gone when it is deleted', async () => {
    const { client } = await runEcr();
    const text = lifecyclePolicyText(rule(9, 'any'), rule(2), rule(1));
    await client.send(new PutLifecyclePolicyCommand({ ...named, lifecyclePolicyText: text }));
    const found = await client.send(new GetLifecyclePolicyCommand(named));
    expect(JSON.parse(found.lifecyclePolicyText ?? '')).toEqual({
      rules: [rule(1), rule(2), rule(9, 'any')],
    });
    await client.send(new DeleteLifecyclePolicyCommand(named));
    for (const command of [new GetLifecyclePolicyCommand(named), new DeleteLifecyclePolicyCommand(named)])
      expect((await rejectionOf(client.send(command as GetLifecyclePolicyCommand))).name).toBe(
        'LifecyclePolicyNotFoundException',
      );
  });

  it.each([
    ['is not JSON', 'x'.repeat(100)],
    ['is too short', lifecyclePolicyText({})],
    ['gives a priority twice', lifecyclePolicyText(rule(1), rule(1))],
    ['has a rule after the one for any image', lifecyclePolicyText(rule(1, 'any'), rule(2))],
  ])('is refused if it %s', async (_, text) => {
    const { client } = await runEcr();
    const attempt = client.send(new PutLifecyclePolicyCommand({ ...named, lifecyclePolicyText: text }));
    expect((await rejectionOf(attempt)).name).toBe('InvalidParameterException');
  });
});

describe('the tags of a repository', () => {
  const tagsOf = async (client: ECRClient) =>
    (await client.send(new ListTagsForResourceCommand({ resourceArn }))).tags;

  it('are given at its creation, added and removed', async () => {
    const { client } = await runEcr({ repository: { tags: [{ Key: 'team', Value: 'a' }] } });
    await client.send(
      new TagResourceCommand({
        resourceArn,
        tags: [
          { Key: 'team', Value: 'b' },
          { Key: 'env', Value: '' },
        ],
      }),
    );
    expect(await tagsOf(client)).toEqual([
      { Key: 'team', Value: 'b' },
      { Key: 'env', Value: '' },
    ]);
    await client.send(new UntagResourceCommand({ resourceArn, tagKeys: ['env', 'none'] }));
    expect(await tagsOf(client)).toEqual([{ Key: 'team', Value: 'b' }]);
  });

  it('are at most fifty, and not those of AWS', async () => {
    const { client } = await runEcr();
    const many = Array.from({ length: 51 }, (_, i) => ({ Key: `k${i}`, Value: '' }));
    const attempt = (tags: typeof many, arn = resourceArn) =>
      rejectionOf(client.send(new TagResourceCommand({ resourceArn: arn, tags })));
    expect((await attempt(many)).name).toBe('TooManyTagsException');
    expect((await attempt([{ Key: 'aws:x', Value: '' }])).name).toBe('InvalidTagParameterException');
    expect((await attempt([], `${resourceArn}-not`)).name).toBe('RepositoryNotFoundException');
    expect((await attempt([], 'team/app')).name).toBe('InvalidParameterException');
  });
});

it('all this is kept in a data folder', async () => {
  const data = await mkdtemp(join(tmpdir(), 'ecr-settings-'));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const first = await startRegistry({ flavour: 'ecr', data });
  const client = ecrClient(first);
  await client.send(new CreateRepositoryCommand({ ...named, tags: [{ Key: 'team', Value: 'a' }] }));
  await client.send(
    new SetRepositoryPolicyCommand({ ...named, policyText: policyText(allow('111111111111')) }),
  );
  await client.send(
    new PutLifecyclePolicyCommand({ ...named, lifecyclePolicyText: lifecyclePolicyText(rule(1)) }),
  );
  await client.send(new PutImageTagMutabilityCommand({ ...named, imageTagMutability: 'IMMUTABLE' }));
  await first.stop();

  const again = ecrClient(await runRegistry({ flavour: 'ecr', data }));
  expect(await describeRepository(again)).toMatchObject({ imageTagMutability: 'IMMUTABLE' });
  const policy = await again.send(new GetRepositoryPolicyCommand(named));
  expect(policy.policyText).toContain('111111111111');
  const lifecycle = await again.send(new GetLifecyclePolicyCommand(named));
  expect(lifecycle.lifecyclePolicyText).toBe(lifecyclePolicyText(rule(1)));
  const { tags } = await again.send(new ListTagsForResourceCommand({ resourceArn }));
  expect(tags).toEqual([{ Key: 'team', Value: 'a' }]);
});
