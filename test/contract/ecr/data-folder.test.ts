import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BatchGetImageCommand,
  CompleteLayerUploadCommand,
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeRepositoriesCommand,
  GetAccountSettingCommand,
  InitiateLayerUploadCommand,
  PutAccountSettingCommand,
  UploadLayerPartCommand,
} from '@aws-sdk/client-ecr';
import { describe, expect, it, onTestFinished } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { startRegistry } from '../../../local/ecr/server.ts';
import { pushBlob, pushImage, seededImage, seededIndex } from '../../support/seeded-image.ts';
import { seededBytes } from '../../support/seeded-layer.ts';
import { ecrClient, runRegistry } from './ecr-fixture.ts';

const MiB = 1024 * 1024;
const repositoryName = 'team/app';

/** An empty folder that is removed after the test. */
async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ecr-data-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Every file below a folder. */
async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe('a registry with a data folder', () => {
  it('has everything again after a restart: images, settings, tags', async () => {
    const data = await temporaryFolder();
    const index = seededIndex({ seed: 'kept', layers: [{ size: 100 }, { size: 300_000 }] });
    const first = await startRegistry({ flavour: 'ecr', data });
    const client = ecrClient(first);
    await client.send(new CreateRepositoryCommand({ repositoryName, imageTagMutability: 'IMMUTABLE' }));
    await client.send(new PutAccountSettingCommand({ name: 'BLOB_MOUNTING', value: 'ENABLED' }));
    await pushImage(first.endpoint, repositoryName, 'v1', index, { authorization: first.authorization });
    const { repositories } = await client.send(new DescribeRepositoriesCommand({}));
    await first.stop();

    const second = await runRegistry({ flavour: 'ecr', data });
    const again = ecrClient(second);
    expect(second.tag(repositoryName, 'v1')).toBe(index.manifest.digest);
    const described = await again.send(new DescribeRepositoriesCommand({}));
    expect(described.repositories).toEqual(
      repositories?.map((repository) => ({
        ...repository,
        repositoryUri: `${second.host}/${repositoryName}`,
      })),
    );
    expect(await again.send(new GetAccountSettingCommand({ name: 'BLOB_MOUNTING' }))).toMatchObject({
      value: 'ENABLED',
    });
    const { images } = await again.send(
      new BatchGetImageCommand({ repositoryName, imageIds: [{ imageTag: 'v1' }] }),
    );
    expect(images?.[0]?.imageManifest).toBe(Buffer.from(index.manifest.bytes).toString());
    for (const [digest, bytes] of index.blobs) {
      const got = await fetch(`${second.endpoint}/v2/${repositoryName}/blobs/${digest}`);
      expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);
    }
  });

  it('continues a layer in parts after a restart', async () => {
    const data = await temporaryFolder();
    const layer = seededBytes('resumed', 5 * MiB + 10);
    const first = await startRegistry({ flavour: 'ecr', data });
    const client = ecrClient(first);
    await client.send(new CreateRepositoryCommand({ repositoryName }));
    const { uploadId } = await client.send(new InitiateLayerUploadCommand({ repositoryName }));
    const part = (from: number, to: number) =>
      new UploadLayerPartCommand({
        repositoryName,
        uploadId,
        partFirstByte: from,
        partLastByte: to - 1,
        layerPartBlob: layer.subarray(from, to),
      });
    await client.send(part(0, 5 * MiB));
    await first.stop();

    // As if the process had died in the middle of the next part.
    await writeFile(join(data, 'uploads', uploadId ?? ''), 'torn', { flag: 'a' });
    await writeFile(join(data, 'uploads', 'left-over'), 'of an upload that nobody knows');

    const second = await runRegistry({ flavour: 'ecr', data });
    const again = ecrClient(second);
    await again.send(part(5 * MiB, layer.length));
    await again.send(
      new CompleteLayerUploadCommand({ repositoryName, uploadId, layerDigests: [digestOf(layer)] }),
    );
    expect(second.hasBlob(repositoryName, digestOf(layer))).toBe(true);
    expect(await readdir(join(data, 'uploads'))).toEqual([]);
  });

  it('stores bytes once for all repositories, and removes them with the last one that has them', async () => {
    const data = await temporaryFolder();
    const registry = await runRegistry({ flavour: 'ecr', data });
    const client = ecrClient(registry);
    const image = seededImage({ seed: 'shared', layers: [{ size: 5000 }] });
    for (const name of ['one/app', 'two/app']) {
      await client.send(new CreateRepositoryCommand({ repositoryName: name }));
      await pushImage(registry.endpoint, name, 'v1', image, { authorization: registry.authorization });
    }
    expect(await filesOf(join(data, 'blobs'))).toHaveLength(3);
    await client.send(new DeleteRepositoryCommand({ repositoryName: 'one/app', force: true }));
    expect(await filesOf(join(data, 'blobs'))).toHaveLength(3);
    await client.send(new DeleteRepositoryCommand({ repositoryName: 'two/app', force: true }));
    expect(await filesOf(data).then((files) => files.map((file) => file.slice(data.length)))).toEqual([]);
  });

  it('writes nothing outside its folder, whatever names are requested', async () => {
    const parent = await temporaryFolder();
    const data = join(parent, 'data');
    const registry = await runRegistry({ flavour: 'distribution', data });
    const bytes = Buffer.from('content');
    for (const path of [
      '..%2f..%2fescape/blobs/uploads/',
      'a/blobs/uploads/..%2f..%2fescape',
      `a/blobs/sha256:..%2f..%2f${'0'.repeat(58)}`,
      'a/manifests/..%2fescape',
    ]) {
      for (const method of ['POST', 'PUT', 'PATCH', 'GET', 'DELETE']) {
        const body = method === 'GET' || method === 'DELETE' ? null : bytes;
        const answer = await fetch(`${registry.endpoint}/v2/${path}?digest=${digestOf(bytes)}`, {
          method,
          body,
        });
        expect(answer.status, `${method} ${path}`).toBeGreaterThanOrEqual(400);
        expect(answer.status, `${method} ${path}`).toBeLessThan(500);
      }
    }
    expect(await readdir(parent)).toEqual(['data']);
    expect(await filesOf(data)).toEqual([]);
  });

  it('says which file it cannot read', async () => {
    const data = await temporaryFolder();
    const first = await startRegistry({ flavour: 'distribution', data });
    await pushBlob(first.endpoint, 'a', digestOf(Buffer.from('x')), Buffer.from('x'));
    await first.stop();
    const [record = ''] = await filesOf(join(data, 'records'));
    await writeFile(record, '{"key":');
    await expect(startRegistry({ flavour: 'distribution', data })).rejects.toThrow(
      `${record} is not a registry record`,
    );
  });
});

/** A registry in its own process, which can be killed. */
async function forkRegistry(data: string): Promise<{ child: ChildProcess; endpoint: string }> {
  const child = fork(join(import.meta.dirname, 'registry-process.ts'), [data], { stdio: 'inherit' });
  const [endpoint] = (await once(child, 'message')) as [string];
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, endpoint };
}

describe('a killed registry', () => {
  it('has everything that it acknowledged, whole, and nothing half done', async () => {
    const data = await temporaryFolder();
    const { child, endpoint } = await forkRegistry(data);
    const acknowledged: string[] = [];
    const push = async (worker: number): Promise<void> => {
      for (let i = 0; ; i++) {
        const image = seededImage({ seed: `${worker}-${i}`, layers: [{ size: 400_000 }, { size: 50 }] });
        await pushImage(endpoint, `killed/app-${worker}`, `v${i}`, image);
        acknowledged.push(`killed/app-${worker} v${i} ${image.manifest.digest}`);
        if (acknowledged.length === 12) child.kill('SIGKILL');
      }
    };
    await Promise.allSettled([push(0), push(1), push(2)]);
    expect(acknowledged.length).toBeGreaterThanOrEqual(12);

    const registry = await runRegistry({ flavour: 'distribution', data });
    for (const [repository = '', tag = '', digest = ''] of acknowledged.map((line) => line.split(' '))) {
      expect(registry.tag(repository, tag)).toBe(digest);
    }
    for (const repository of registry.repositories()) {
      for (const tag of registry.tags(repository)) {
        const manifest = await fetch(`${registry.endpoint}/v2/${repository}/manifests/${tag}`);
        const { config, layers } = (await manifest.json()) as Record<'config', { digest: string }> &
          Record<'layers', { digest: string }[]>;
        for (const { digest } of [config, ...layers]) {
          const blob = await fetch(`${registry.endpoint}/v2/${repository}/blobs/${digest}`);
          expect(digestOf(Buffer.from(await blob.arrayBuffer()))).toBe(digest);
        }
      }
    }
    for (const record of await filesOf(join(data, 'records'))) JSON.parse(await readFile(record, 'utf8'));
    expect(await readdir(join(data, 'uploads'))).toEqual([]);
    expect(await readdir(join(data, 'temporary'))).toEqual([]);
  });
});
