import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateRepositoryCommand, ECRClient } from '@aws-sdk/client-ecr';
import { describe, expect, it, onTestFinished } from 'vitest';
import { digestOf } from '../../core/oci/digest.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { seededImage, seededIndex } from '../support/seeded-image.ts';
import { skopeo } from '../support/skopeo.ts';

const repository = 'team/app';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'skopeo-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A registry that is ready for a push, and what skopeo needs to push to it. */
async function runFlavour(
  flavour: 'ecr' | 'distribution',
): Promise<{ registry: EmbeddedRegistry; credentials: string[] }> {
  const registry = await startRegistry({ flavour });
  onTestFinished(() => registry.stop());
  if (flavour === 'distribution') return { registry, credentials: [] };
  const client = new ECRClient({
    endpoint: registry.endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await client.send(new CreateRepositoryCommand({ repositoryName: repository }));
  client.destroy();
  return { registry, credentials: ['--dest-creds', `AWS:${registry.password}`] };
}

const layers = [{ size: 90_000 }, { size: 6 * 1024 * 1024 }];
const image = seededImage({ seed: 'skopeo', layers });
const index = seededIndex({ seed: 'skopeo', layers });

describe.each(['ecr', 'distribution'] as const)('skopeo and the embedded registry (%s)', (flavour) => {
  it.each([
    ['an image', image],
    ['an index with its children', index],
  ] as const)('pushes %s and pulls it back unchanged', async (_, pushed) => {
    const { registry, credentials } = await runFlavour(flavour);
    const source = await writeLayout(await temporaryFolder(), pushed);
    const target = `docker://${registry.host}/${repository}:v1`;
    await skopeo('copy', '--all', '--dest-tls-verify=false', ...credentials, source, target);
    expect(registry.tag(repository, 'v1')).toBe(pushed.manifest.digest);

    const pulled = await temporaryFolder();
    await skopeo('copy', '--all', '--src-tls-verify=false', target, `oci:${pulled}:v1`);
    const layout = JSON.parse(await readFile(join(pulled, 'index.json'), 'utf8')) as {
      manifests: { digest: string }[];
    };
    expect(layout.manifests.map(({ digest }) => digest)).toEqual([pushed.manifest.digest]);
    for (const digest of pushed.blobs.keys()) {
      const bytes = await readFile(join(pulled, 'blobs', 'sha256', digest.slice('sha256:'.length)));
      expect(digestOf(bytes)).toBe(digest);
    }
  });

  it('copies from one tag to another, lists and inspects', async () => {
    const { registry, credentials } = await runFlavour(flavour);
    const source = await writeLayout(await temporaryFolder(), image);
    const address = `docker://${registry.host}/${repository}`;
    await skopeo('copy', '--dest-tls-verify=false', ...credentials, source, `${address}:v1`);
    registry.clearRequests();
    const tls = ['--src-tls-verify=false', '--dest-tls-verify=false'];
    await skopeo('copy', ...tls, ...credentials, `${address}:v1`, `${address}:v2`);
    const uploads = registry.requests.filter(({ method }) => method === 'PATCH');
    expect(uploads).toEqual([]);
    const listed = JSON.parse(await skopeo('list-tags', '--tls-verify=false', address)) as { Tags: string[] };
    expect(listed.Tags).toEqual(['v1', 'v2']);
    const inspected = await skopeo('inspect', '--raw', '--tls-verify=false', `${address}:v2`);
    expect(digestOf(Buffer.from(inspected))).toBe(image.manifest.digest);
  });
});

describe('skopeo and the embedded ECR', () => {
  it('cannot push without credentials', async () => {
    const { registry } = await runFlavour('ecr');
    const source = await writeLayout(await temporaryFolder(), image);
    const push = skopeo(
      'copy',
      '--dest-tls-verify=false',
      source,
      `docker://${registry.host}/${repository}:v1`,
    );
    await expect(push).rejects.toThrow('no basic auth credentials');
    expect(registry.tags(repository)).toEqual([]);
  });
});
