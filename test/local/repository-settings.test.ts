import {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeRepositoriesCommand,
  GetLifecyclePolicyCommand,
  GetRepositoryPolicyCommand,
  ListTagsForResourceCommand,
  SetRepositoryPolicyCommand,
} from '@aws-sdk/client-ecr';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../core/config/config.ts';
import { ecrClient } from '../contract/ecr/ecr-fixture.ts';
import { type Pipeline, pipelineConfig, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

/** A configuration whose repositories have settings of all kinds. */
function configure(upstream: string): Config {
  const config = pipelineConfig(upstream);
  const repository: Config['mirror']['repository'] = {
    ...config.mirror.repository,
    immutableTags: { except: ['*'] },
    pullAccounts: ['444455556666'],
    organizations: ['o-a1b2c3d4e5'],
    lifecycle: [
      {
        rulePriority: 1,
        selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 9_000 },
        action: { type: 'expire' },
      },
    ],
    tags: { team: 'platform' },
  };
  return { ...config, mirror: { ...config.mirror, repository } };
}

describe('the settings of a mirror repository', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline({ configure });
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const image = (seed: string) => seededImage({ seed, layers: [{ size: 500 }] });

  /** What ECR tells about a repository. */
  const settingsOf = async (repositoryName: string) => {
    const client = ecrClient(pipeline.stack.registry);
    const { repositories } = await client.send(
      new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] }),
    );
    const [repository] = repositories ?? [];
    const { policyText = '' } = await client.send(new GetRepositoryPolicyCommand({ repositoryName }));
    const lifecycle = await client.send(new GetLifecyclePolicyCommand({ repositoryName }));
    const { tags } = await client.send(
      new ListTagsForResourceCommand({ resourceArn: repository?.repositoryArn }),
    );
    return {
      scanOnPush: repository?.imageScanningConfiguration?.scanOnPush,
      mutability: repository?.imageTagMutability,
      sids: JSON.parse(policyText).Statement.map(({ Sid }: { Sid: string }) => Sid),
      rules: JSON.parse(lifecycle.lifecyclePolicyText ?? '').rules.length,
      tags,
    };
  };
  const inLine = {
    scanOnPush: true,
    mutability: 'IMMUTABLE_WITH_EXCLUSION',
    sids: ['DrayagePullAccounts', 'DrayagePullOrganizations'],
    rules: 1,
    tags: [{ Key: 'team', Value: 'platform' }],
  };

  it('are there when its first image is mapped', async () => {
    expect(await pipeline.mirror('acme/new', '1', image('new'))).toMatchObject({ state: 'committed' });
    expect(await settingsOf('mirror/ghcr.io/acme/new')).toEqual(inLine);
  });

  it('are there again when the repository was deleted, and its image comes back', async () => {
    const repositoryName = 'mirror/ghcr.io/acme/again';
    await pipeline.mirror('acme/again', '1', image('again'));
    const client = ecrClient(pipeline.stack.registry);
    await client.send(new DeleteRepositoryCommand({ repositoryName, force: true }));
    const settings = () => settingsOf(repositoryName).catch(() => undefined);
    await expect.poll(settings, { timeout: 20_000, interval: 100 }).toEqual(inLine);
    const isMapped = async () => (await pipeline.mapping('ghcr.io/acme/again:1')) !== undefined;
    await expect.poll(isMapped, { timeout: 20_000 }).toBe(true);
  }, 60_000);

  it('are put right by the next job, and what a team added stays', async () => {
    const repositoryName = 'mirror/ghcr.io/acme/drifted';
    const client = ecrClient(pipeline.stack.registry);
    await client.send(
      new CreateRepositoryCommand({
        repositoryName,
        imageTagMutability: 'IMMUTABLE',
        encryptionConfiguration: { encryptionType: 'KMS' },
        tags: [{ Key: 'owner', Value: 'us' }],
      }),
    );
    const theirs = { Sid: 'Team', Effect: 'Allow', Principal: '*', Action: 'ecr:ListImages' };
    const policyText = JSON.stringify({ Version: '2012-10-17', Statement: [theirs] });
    await client.send(new SetRepositoryPolicyCommand({ repositoryName, policyText }));

    expect(await pipeline.mirror('acme/drifted', '1', image('drifted'))).toMatchObject({
      state: 'committed',
    });
    expect(await settingsOf(repositoryName)).toEqual({
      ...inLine,
      sids: ['Team', ...inLine.sids],
      tags: [{ Key: 'owner', Value: 'us' }, ...inLine.tags],
    });
    expect(pipeline.logs()).toContain('settings of a repository were put right');
    expect(pipeline.logs()).toContain('it is encrypted with KMS');
  });

  it('keep no image from being mirrored, however ECR refuses them', async () => {
    const { faults } = pipeline.stack.registry;
    const off = [
      faults.add({ match: { operation: 'SetRepositoryPolicy' }, action: { kind: 'status', status: 400 } }),
      faults.add({ match: { operation: 'GetLifecyclePolicy' }, action: { kind: 'cut' } }),
    ];
    expect(await pipeline.mirror('acme/refused', '1', image('refused'))).toMatchObject({
      state: 'committed',
    });
    for (const end of off) end();
    expect(pipeline.logs()).toContain('a setting of a repository could not be put right');
  });
});
