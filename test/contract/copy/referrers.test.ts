import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyReferrers } from '../../../core/copy/referrers/copy-referrers.ts';
import { findReferrers } from '../../../core/copy/referrers/find-referrers.ts';
import { keepReferrersTag } from '../../../core/copy/referrers/referrers-tag.ts';
import { RegistryRepository } from '../../../core/copy/registry-repository.ts';
import { RegistryClient } from '../../../core/registry/client.ts';
import { referrersTag } from '../../../core/registry/operations/referrers.ts';
import { type EmbeddedRegistry, startRegistry } from '../../../local/ecr/server.ts';
import { childOf, parsed, storeWith } from '../../support/memory-image.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { pushImage, seededImage } from '../../support/seeded-image.ts';
import { type Artifact, artifactOf, cosignOf, cosignTag, holdArtifact } from '../../support/signed-image.ts';
import { startEcr } from './subjects.ts';

const image = seededImage({ seed: 'signed', layers: [{ size: 200 }] });
const root = parsed(image.manifest);
const sbom = artifactOf('sbom', root, 'application/vnd.example.sbom');
const signature = cosignOf('signature');

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function registryWith(...artifacts: Artifact[]) {
  const registry = await startRegistry({ flavour: 'distribution' });
  const client = new RegistryClient({
    registry: registry.host,
    endpoint: registry.endpoint,
    side: 'upstream',
    retry: { baseMs: 1, maxMs: 2 },
  });
  cleanups.push(
    () => registry.stop(),
    () => client.close(),
  );
  const repository = new RegistryRepository(client, registry.host, 'app');
  await pushImage(registry.endpoint, 'app', 'latest', image);
  for (const artifact of artifacts) await push(repository, artifact);
  return { registry, repository };
}

async function push(repository: RegistryRepository, artifact: Artifact, reference?: string): Promise<void> {
  const store = new MemoryStore('artifact');
  const { digest } = holdArtifact(store, artifact);
  const referrers = [{ digest, subject: root.digest, tag: reference }];
  const { missing } = await copyReferrers(store, repository, { referrers, failures: [] });
  if (missing[0]) throw new Error(missing[0].reason);
}

/** What exists before the registry has a referrers API. */
function withoutApi(registry: EmbeddedRegistry): void {
  registry.faults.add({ match: { path: '/referrers/' }, action: { kind: 'status', status: 404 } });
}

async function copied(source: RegistryRepository, destination: Parameters<typeof copyReferrers>[1]) {
  return await copyReferrers(source, destination, await findReferrers(source, [root.digest]));
}

describe('referrers between registries', () => {
  it('are found by API and tag, and are the same in the other registry', async () => {
    const from = await registryWith(sbom);
    await push(from.repository, signature, cosignTag(root));
    const to = await registryWith();
    const outcome = await copied(from.repository, to.repository);

    expect(outcome).toMatchObject({ missing: [] });
    expect(outcome.incomplete).toBeUndefined();
    expect(outcome.copied).toHaveLength(2);
    expect(await to.repository.tagDigest(cosignTag(root))).toBe(signature.manifest.digest);
    expect(await to.repository.referrers(root.digest)).toMatchObject([
      { digest: sbom.manifest.digest, artifactType: 'application/vnd.example.sbom' },
    ]);
    // It has the API, so nobody has to maintain the tag.
    expect(await to.repository.tagDigest(referrersTag(root.digest))).toBeUndefined();
  });

  it('cost four requests upstream if there are none', async () => {
    const from = await registryWith();
    from.registry.clearRequests();
    expect(await findReferrers(from.repository, [root.digest])).toEqual({ referrers: [], failures: [] });
    expect(from.registry.requests.map(({ method }) => method).sort()).toEqual([
      'GET',
      'HEAD',
      'HEAD',
      'HEAD',
    ]);
  });

  it('are listed by the tag if the registry has no API, besides those that it already names', async () => {
    const from = await registryWith(sbom);
    const to = await registryWith();
    withoutApi(to.registry);
    const older = artifactOf('older', root);
    await push(to.repository, older);
    await keepReferrersTag(to.repository, root.digest, [
      childOf(older.manifest, { annotations: { 'org.example': 'kept' } }),
    ]);
    expect((await copied(from.repository, to.repository)).missing).toEqual([]);

    const index = await to.repository.manifest(referrersTag(root.digest));
    expect(index.kind === 'index' && index.manifests).toEqual([
      childOf(older.manifest, { annotations: { 'org.example': 'kept' } }),
      childOf(sbom.manifest, { artifactType: 'application/vnd.example.sbom' }),
    ]);
    // A second copy changes nothing, and the next mirror finds them there.
    expect((await copied(from.repository, to.repository)).copied).toHaveLength(1);
    expect(await to.repository.tagDigest(referrersTag(root.digest))).toBe(index.digest);
    expect((await findReferrers(to.repository, [root.digest])).referrers).toHaveLength(2);
  });

  it('are reported as missing if the tag holds something else, which stays', async () => {
    const from = await registryWith(sbom);
    const to = await registryWith();
    withoutApi(to.registry);
    await pushImage(to.registry.endpoint, 'app', referrersTag(root.digest), image);
    expect(await copied(from.repository, to.repository)).toMatchObject({
      copied: [],
      missing: [{ digest: sbom.manifest.digest, code: 'REFERRERS_TAG' }],
    });
    expect(await to.repository.tagDigest(referrersTag(root.digest))).toBe(root.digest);
  });

  it('are reported as unknown if the upstream denies the list', async () => {
    const from = await registryWith(sbom);
    from.registry.faults.add({ match: { path: '/referrers/' }, action: { kind: 'status', status: 403 } });
    const outcome = await copied(from.repository, new MemoryStore('mirror'));
    expect(outcome).toMatchObject({ copied: [], missing: [], incomplete: { code: 'DENIED' } });
  });
});

describe('referrers in Amazon ECR', () => {
  let ecr: Awaited<ReturnType<typeof startEcr>>;
  beforeEach(async () => {
    ecr = await startEcr();
    cleanups.push(() => ecr.close());
  });

  it('are listed by its API', async () => {
    const from = await registryWith(sbom);
    await push(from.repository, signature, cosignTag(root));
    const destination = await ecr.ecr.repository('mirror/app');
    const outcome = await copied(from.repository, destination);
    expect(outcome.copied).toHaveLength(2);
    const { headers, url } = {
      headers: { authorization: ecr.registry.authorization },
      url: ecr.registry.endpoint,
    };
    const listed = await fetch(`${url}/v2/mirror/app/referrers/${root.digest}`, { headers });
    expect(await listed.json()).toMatchObject({ manifests: [{ digest: sbom.manifest.digest }] });
  });

  it('are left out one by one if ECR refuses them, with the reason', async () => {
    // https://github.com/aws/containers-roadmap/issues/2306
    const odd = artifactOf('odd', root, 'application/vnd.example.report; version=1');
    const from = await registryWith(sbom, odd);
    const outcome = await copied(from.repository, await ecr.ecr.repository('mirror/app'));
    expect(outcome.copied).toMatchObject([{ digest: sbom.manifest.digest }]);
    expect(outcome.missing).toMatchObject([{ digest: odd.manifest.digest, code: 'UNSUPPORTED' }]);
    expect(outcome.missing[0]?.temporary).toBeUndefined();
  });

  it('are copied by tag even if every artifact is refused', async () => {
    // https://github.com/aws/containers-roadmap/issues/2783
    const from = await registryWith(sbom);
    await push(from.repository, signature, cosignTag(root));
    ecr.registry.faults.add({
      match: { method: 'PUT', path: `/manifests/${sbom.manifest.digest}` },
      action: { kind: 'status', status: 405 },
    });
    const outcome = await copied(from.repository, await ecr.ecr.repository('mirror/app'));
    expect(outcome.copied).toMatchObject([{ tag: cosignTag(root) }]);
    expect(outcome.missing).toMatchObject([
      { digest: sbom.manifest.digest, reason: expect.stringContaining('answered 405') },
    ]);
  });

  it('stay as they are under immutable tags, and a new signature is reported as missing', async () => {
    await ecr.close();
    cleanups.pop();
    ecr = await startEcr({
      scanOnPush: true,
      encryption: { type: 'AES256' },
      immutableTags: true,
      pullAccounts: [],
      organizations: [],
      lifecycle: [],
    });
    cleanups.push(() => ecr.close());
    const from = await registryWith();
    await push(from.repository, signature, cosignTag(root));
    const destination = await ecr.ecr.repository('mirror/app');
    await copied(from.repository, destination);
    expect((await copied(from.repository, destination)).copied).toHaveLength(1);

    await push(from.repository, cosignOf('two signatures'), cosignTag(root));
    expect((await copied(from.repository, destination)).missing).toMatchObject([
      { tag: cosignTag(root), code: 'TAG_INVALID' },
    ]);
  });
});

it('a memory store lists referrers as a registry does', async () => {
  const store = storeWith(image);
  const manifest = holdArtifact(store, sbom);
  expect(await store.referrers(root.digest)).toEqual([
    childOf(manifest, { artifactType: 'application/vnd.example.sbom' }),
  ]);
});
