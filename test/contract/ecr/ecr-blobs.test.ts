import { CreateRepositoryCommand, PutAccountSettingCommand } from '@aws-sdk/client-ecr';
import { describe, expect, it } from 'vitest';
import { pushBlob, pushImage, pushManifest, seededImage } from '../../support/seeded-image.ts';
import { errorsOf, runEcr } from './ecr-fixture.ts';

const image = seededImage({ seed: 'image', layers: [{ size: 100 }, { size: 3000 }] });

describe("ECR's registry protocol: mounts", () => {
  const mount = `other/app/blobs/uploads/?mount=${image.layers[0]?.digest}&from=team/app`;

  /** Two repositories, the first with the image's blobs. */
  async function runMount(enabled: boolean) {
    const ecr = await runEcr();
    await ecr.client.send(new CreateRepositoryCommand({ repositoryName: 'other/app' }));
    if (enabled)
      await ecr.client.send(new PutAccountSettingCommand({ name: 'BLOB_MOUNTING', value: 'ENABLED' }));
    const { authorization } = ecr;
    for (const [digest, bytes] of image.blobs) {
      await pushBlob(ecr.registry.endpoint, 'team/app', digest, bytes, { authorization });
    }
    const commit = () =>
      pushManifest(ecr.registry.endpoint, 'team/app', 'v1', image.manifest, { authorization });
    return { ...ecr, commit };
  }

  it('mounts a blob once a manifest of the source names it, and starts an upload until then (CR#2860)', async () => {
    const { v2, registry, commit } = await runMount(true);
    const before = await v2(mount, { method: 'POST' });
    expect(before.status).toBe(202);
    expect(before.headers.get('location')).toContain('/v2/other/app/blobs/uploads/');
    await commit();
    const after = await v2(mount, { method: 'POST' });
    expect(after.status).toBe(201);
    expect(after.headers.get('docker-content-digest')).toBe(image.layers[0]?.digest);
    expect(registry.hasBlob('other/app', image.layers[0]?.digest ?? 'sha256:')).toBe(true);
  });

  it('mounts nothing while the account setting is off', async () => {
    const { v2, registry, commit } = await runMount(false);
    await commit();
    expect((await v2(mount, { method: 'POST' })).status).toBe(202);
    expect(registry.hasBlob('other/app', image.layers[0]?.digest ?? 'sha256:')).toBe(false);
  });

  it('mounts only from the named repository, and only under the same encryption', async () => {
    const { v2, client, commit } = await runMount(true);
    await commit();
    const encryptionConfiguration = { encryptionType: 'KMS' as const, kmsKey: 'alias/x' };
    await client.send(new CreateRepositoryCommand({ repositoryName: 'kms/app', encryptionConfiguration }));
    const digest = image.layers[0]?.digest;
    for (const path of [
      `other/app/blobs/uploads/?mount=${digest}`,
      `other/app/blobs/uploads/?mount=${digest}&from=not/there`,
      `kms/app/blobs/uploads/?mount=${digest}&from=team/app`,
    ]) {
      expect((await v2(path, { method: 'POST' })).status).toBe(202);
    }
  });
});

describe("ECR's registry protocol: blobs", () => {
  it('redirects to a link that needs no credentials and serves ranges', async () => {
    const { v2, registry, authorization } = await runEcr();
    await pushImage(registry.endpoint, 'team/app', 'v1', image, { authorization });
    const layer = image.layers[1]?.digest ?? 'sha256:';
    const bytes = Buffer.from(image.blobs.get(layer) ?? []);
    const redirect = await v2(`team/app/blobs/${layer}`);
    expect(redirect.status).toBe(307);
    const location = redirect.headers.get('location') ?? '';
    expect(new URL(location).pathname).toBe(`/layers/${layer}`);
    const whole = await fetch(location);
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
    const part = await fetch(location, { headers: { range: 'bytes=1000-1999' } });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe('bytes 1000-1999/3000');
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(1000, 2000))).toBe(true);
    const forged = await fetch(location.replace(layer, image.config.digest));
    expect(forged.status).toBe(403);
  });

  it('serves layers from a separate host that accepts no further credentials, as S3 does', async () => {
    const { v2, registry, authorization } = await runEcr({ separateLayerHost: true });
    await pushImage(registry.endpoint, 'team/app', 'v1', image, { authorization });
    const redirect = await v2(`team/app/blobs/${image.config.digest}`);
    const location = redirect.headers.get('location') ?? '';
    expect(new URL(location).host).not.toBe(registry.host);
    expect((await fetch(location)).status).toBe(200);
    expect((await fetch(location, { headers: { authorization } })).status).toBe(400);
    expect((await fetch(new URL('/v2/', location))).status).toBe(403);
  });

  it('answers HEAD itself, and 404 for a blob that only another repository has', async () => {
    const { v2, registry, authorization, client } = await runEcr();
    await client.send(new CreateRepositoryCommand({ repositoryName: 'other/app' }));
    await pushImage(registry.endpoint, 'team/app', 'v1', image, { authorization });
    const head = await v2(`team/app/blobs/${image.layers[1]?.digest}`, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe('3000');
    const elsewhere = await v2(`other/app/blobs/${image.layers[1]?.digest}`);
    expect(elsewhere.status).toBe(404);
    expect(await errorsOf(elsewhere)).toMatchObject([{ code: 'BLOB_UNKNOWN' }]);
  });
});
