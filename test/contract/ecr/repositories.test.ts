import {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeRegistryCommand,
  DescribeRepositoriesCommand,
  GetAccountSettingCommand,
  GetAuthorizationTokenCommand,
  PutAccountSettingCommand,
  paginateDescribeRepositories,
} from '@aws-sdk/client-ecr';
import { describe, expect, it } from 'vitest';
import { pushImage, seededImage } from '../../support/seeded-image.ts';
import { ecrClient, rejectionOf, runEcr, runRegistry } from './ecr-fixture.ts';

describe('repositories in the ECR API', () => {
  it('creates a repository with the given settings and describes it', async () => {
    const { client, registry } = await runEcr({ region: 'eu-central-1', accountId: '111122223333' });
    const input = {
      repositoryName: 'mirror/docker.io/library/nginx',
      imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
      imageTagMutabilityExclusionFilters: [{ filterType: 'WILDCARD', filter: 'latest*' }],
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfiguration: { encryptionType: 'KMS', kmsKey: 'alias/x' },
    } as const;
    const { repository } = await client.send(
      new CreateRepositoryCommand({
        ...input,
        imageTagMutabilityExclusionFilters: [...input.imageTagMutabilityExclusionFilters],
      }),
    );
    expect(repository).toMatchObject({
      ...input,
      registryId: '111122223333',
      repositoryArn: 'arn:aws:ecr:eu-central-1:111122223333:repository/mirror/docker.io/library/nginx',
      repositoryUri: `${registry.host}/mirror/docker.io/library/nginx`,
    });
    const described = await client.send(
      new DescribeRepositoriesCommand({ repositoryNames: [input.repositoryName] }),
    );
    expect(described.repositories).toEqual([repository]);
    expect(Math.abs((repository?.createdAt?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('refuses a second repository of the same name', async () => {
    const { client } = await runEcr();
    const error = await rejectionOf(client.send(new CreateRepositoryCommand({ repositoryName: 'team/app' })));
    expect(error.name).toBe('RepositoryAlreadyExistsException');
  });

  it.each([
    ['one character', 'a'],
    ['257 characters', 'a'.repeat(257)],
    ['upper case', 'Team/app'],
    ['two underscores', 'team__app'],
    ['two dots', 'team/../app'],
    ['a leading slash', '/team'],
    ['an empty part', 'team//app'],
    ['a trailing separator', 'team/app-'],
  ])('refuses a name with %s', async (_, repositoryName) => {
    const { client } = await runEcr();
    const error = await rejectionOf(client.send(new CreateRepositoryCommand({ repositoryName })));
    expect(error.name).toBe('InvalidParameterException');
    expect(error.message).toContain("'repositoryName'");
  });

  it('accepts a name of 256 characters', async () => {
    const { client, registry } = await runEcr();
    await client.send(new CreateRepositoryCommand({ repositoryName: 'a'.repeat(256) }));
    expect(registry.repositories()).toEqual(['a'.repeat(256), 'team/app']);
  });

  it('accepts at most five exclusion filters, and only with a setting with exclusion', async () => {
    const { client } = await runEcr();
    const create = (imageTagMutability: 'MUTABLE' | 'MUTABLE_WITH_EXCLUSION', filters: number) =>
      client.send(
        new CreateRepositoryCommand({
          repositoryName: `filters/${imageTagMutability.toLowerCase().replaceAll('_', '-')}-${filters}`,
          imageTagMutability,
          imageTagMutabilityExclusionFilters: Array.from({ length: filters }, (_, i) => ({
            filterType: 'WILDCARD' as const,
            filter: `v${i}*`,
          })),
        }),
      );
    await create('MUTABLE_WITH_EXCLUSION', 5);
    for (const attempt of [
      create('MUTABLE_WITH_EXCLUSION', 6),
      create('MUTABLE', 1),
      create('MUTABLE_WITH_EXCLUSION', 0),
    ]) {
      expect((await rejectionOf(attempt)).name).toBe('InvalidParameterException');
    }
  });

  it('lists repositories in pages', async () => {
    const { client } = await runEcr();
    const names = Array.from({ length: 7 }, (_, i) => `pages/repository-${i}`);
    for (const repositoryName of names) await client.send(new CreateRepositoryCommand({ repositoryName }));
    const seen: (string | undefined)[] = [];
    for await (const page of paginateDescribeRepositories({ client, pageSize: 3 }, {})) {
      expect(page.repositories?.length).toBeLessThanOrEqual(3);
      seen.push(...(page.repositories ?? []).map(({ repositoryName }) => repositoryName));
    }
    expect(seen).toEqual([...names, 'team/app']);
  });

  it('says which repository does not exist', async () => {
    const { client } = await runEcr();
    const error = await rejectionOf(
      client.send(new DescribeRepositoriesCommand({ repositoryNames: ['not/there'] })),
    );
    expect(error.name).toBe('RepositoryNotFoundException');
    expect(error.message).toBe(
      "The repository with name 'not/there' does not exist in the registry with id '000000000000'",
    );
  });

  it('deletes a repository with images only by force, together with its blobs', async () => {
    const { client, registry, authorization } = await runEcr();
    const image = seededImage({ seed: 'delete', layers: [{ size: 100 }] });
    await pushImage(registry.endpoint, 'team/app', 'v1', image, { authorization });
    const gentle = await rejectionOf(
      client.send(new DeleteRepositoryCommand({ repositoryName: 'team/app' })),
    );
    expect(gentle.name).toBe('RepositoryNotEmptyException');
    await client.send(new DeleteRepositoryCommand({ repositoryName: 'team/app', force: true }));
    expect(registry.repositories()).toEqual([]);
    await client.send(new CreateRepositoryCommand({ repositoryName: 'team/app' }));
    expect(registry.hasBlob('team/app', image.config.digest)).toBe(false);
    expect(registry.tags('team/app')).toEqual([]);
  });
});

describe('the account', () => {
  it('hands out an authorization token for its own address, valid for 12 hours', async () => {
    const { client, registry } = await runEcr({ password: 'secret-for-tests' });
    const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}));
    const [data] = authorizationData ?? [];
    expect(data?.proxyEndpoint).toBe(registry.endpoint);
    expect(Buffer.from(data?.authorizationToken ?? '', 'base64').toString()).toBe('AWS:secret-for-tests');
    const hours = ((data?.expiresAt?.getTime() ?? 0) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(11.9);
    expect(hours).toBeLessThanOrEqual(12);
  });

  it('keeps blob mounting off until it is switched on', async () => {
    const { client } = await runEcr();
    const setting = () => client.send(new GetAccountSettingCommand({ name: 'BLOB_MOUNTING' }));
    expect(await setting()).toMatchObject({ name: 'BLOB_MOUNTING', value: 'DISABLED' });
    await client.send(new PutAccountSettingCommand({ name: 'BLOB_MOUNTING', value: 'ENABLED' }));
    expect(await setting()).toMatchObject({ name: 'BLOB_MOUNTING', value: 'ENABLED' });
    const wrong = client.send(new PutAccountSettingCommand({ name: 'BLOB_MOUNTING', value: 'MAYBE' }));
    expect((await rejectionOf(wrong)).name).toBe('InvalidParameterException');
  });

  it('answers unknown operations, and unsigned requests', async () => {
    const registry = await runRegistry({ flavour: 'ecr' });
    const unknown = ecrClient(registry).send(new DescribeRegistryCommand({}));
    expect((await rejectionOf(unknown)).name).toBe('UnknownOperationException');
    const unsigned = await fetch(registry.endpoint, {
      method: 'POST',
      headers: { 'x-amz-target': 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken' },
      body: '{}',
    });
    expect(unsigned.status).toBe(400);
    expect(await unsigned.json()).toMatchObject({ __type: 'MissingAuthenticationTokenException' });
  });
});
