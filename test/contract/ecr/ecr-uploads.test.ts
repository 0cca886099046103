import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { seededBytes } from '../../support/seeded-layer.ts';
import { errorsOf, runEcr, startUpload } from './ecr-fixture.ts';

const MiB = 1024 * 1024;

/** The address that ends an upload. */
function withDigest(url: URL, digest: string): URL {
  const end = new URL(url);
  end.searchParams.set('digest', digest);
  return end;
}

describe("ECR's registry protocol: uploads", () => {
  it('drops the connection of an upload to a repository that does not exist (CR#1970)', async () => {
    const { v2, registry } = await runEcr();
    await expect(v2('not/there/blobs/uploads/', { method: 'POST' })).rejects.toThrow('fetch failed');
    expect(registry.requests.at(-1)).toMatchObject({ method: 'POST', status: 0 });
    expect((await v2('not/there/manifests/v1')).status).toBe(404);
  });

  it('answers 201 to every PATCH and repeats the range of the first (CR#2831)', async () => {
    const { v2, registry, authorization } = await runEcr();
    const blob = seededBytes('patches', 11 * MiB);
    const digest = digestOf(blob);
    let url = await startUpload(v2);
    for (const [first, last] of [
      [0, 5 * MiB - 1],
      [5 * MiB, 10 * MiB - 1],
    ] as const) {
      const patch = await fetch(url, {
        method: 'PATCH',
        headers: { authorization, 'content-range': `${first}-${last}` },
        body: Buffer.from(blob.subarray(first, last + 1)),
      });
      expect(patch.status).toBe(201);
      expect(patch.headers.get('range')).toBe(`0-${5 * MiB - 1}`);
      url = new URL(patch.headers.get('location') ?? '', url);
    }
    const put = await fetch(withDigest(url, digest), {
      method: 'PUT',
      headers: { authorization, 'content-range': `${10 * MiB}-${blob.length - 1}` },
      body: Buffer.from(blob.subarray(10 * MiB)),
    });
    expect(put.status).toBe(201);
    expect(put.headers.get('docker-content-digest')).toBe(digest);
    expect(registry.hasBlob('team/app', digest)).toBe(true);
  });

  it('refuses a chunk at the wrong place and names the right one (apple/containerization#790)', async () => {
    const { v2, authorization } = await runEcr();
    const url = await startUpload(v2);
    const chunk = Buffer.from(seededBytes('chunk', 5 * MiB));
    const patch = (range: string) =>
      fetch(url, { method: 'PATCH', headers: { authorization, 'content-range': range }, body: chunk });
    expect((await patch(`0-${chunk.length - 1}`)).status).toBe(201);
    const again = await patch(`0-${chunk.length - 1}`);
    expect(again.status).toBe(416);
    expect(await errorsOf(again)).toEqual([
      {
        code: 'BLOB_UPLOAD_INVALID',
        message: `First byte of the layer part is 0 instead of ${chunk.length}`,
      },
    ]);
  });

  it('refuses a whole blob for an upload that already has bytes', async () => {
    const { v2, authorization } = await runEcr();
    const url = await startUpload(v2);
    await fetch(url, { method: 'PATCH', headers: { authorization }, body: 'first half' });
    const put = await fetch(withDigest(url, digestOf(Buffer.from('first half, second half'))), {
      method: 'PUT',
      headers: { authorization },
      body: 'first half, second half',
    });
    expect(put.status).toBe(416);
    expect((await errorsOf(put))[0]?.message).toBe('First byte of the layer part is 0 instead of 10');
  });

  it('refuses a small chunk unless it is the last', async () => {
    const { v2, authorization } = await runEcr();
    const url = await startUpload(v2);
    await fetch(url, { method: 'PATCH', headers: { authorization }, body: 'small' });
    await fetch(url, { method: 'PATCH', headers: { authorization }, body: 'last' });
    const put = await fetch(withDigest(url, digestOf(Buffer.from('smalllast'))), {
      method: 'PUT',
      headers: { authorization },
    });
    expect(put.status).toBe(400);
    expect((await errorsOf(put))[0]).toMatchObject({ code: 'BLOB_UPLOAD_INVALID' });
  });

  it('accepts POST and one PUT, and POST, PATCH and an empty PUT', async () => {
    const { v2, registry, authorization } = await runEcr();
    const [one, two] = [Buffer.from('by put'), Buffer.from('by patch')];
    const direct = await startUpload(v2);
    const put = await fetch(withDigest(direct, digestOf(one)), {
      method: 'PUT',
      headers: { authorization },
      body: one,
    });
    const chunked = await startUpload(v2);
    await fetch(chunked, { method: 'PATCH', headers: { authorization }, body: two });
    const end = await fetch(withDigest(chunked, digestOf(two)), {
      method: 'PUT',
      headers: { authorization },
    });
    expect([put.status, end.status]).toEqual([201, 201]);
    expect(registry.hasBlob('team/app', digestOf(one))).toBe(true);
    expect(registry.hasBlob('team/app', digestOf(two))).toBe(true);
  });

  it('refuses an empty blob (devcontainers/cli#814)', async () => {
    const { v2, registry, authorization } = await runEcr();
    const digest = digestOf(new Uint8Array());
    const put = await fetch(withDigest(await startUpload(v2), digest), {
      method: 'PUT',
      headers: { authorization },
    });
    expect(put.status).toBe(400);
    expect((await errorsOf(put))[0]?.message).toContain('it does not have any parts');
    expect(registry.hasBlob('team/app', digest)).toBe(false);
  });

  it('refuses a blob with another digest and forgets it', async () => {
    const { v2, registry, authorization } = await runEcr();
    const url = withDigest(await startUpload(v2), digestOf(Buffer.from('expected')));
    const put = () => fetch(url, { method: 'PUT', headers: { authorization }, body: 'received' });
    const first = await put();
    expect(first.status).toBe(400);
    expect(await errorsOf(first)).toEqual([
      {
        code: 'BLOB_UPLOAD_INVALID',
        message: 'None of the provided layer digests match the calculated layer digest',
      },
    ]);
    expect((await put()).status).toBe(404);
    expect(registry.hasBlob('team/app', digestOf(Buffer.from('received')))).toBe(false);
  });

  it('reports nothing about an upload under way (dotnet/sdk#33019)', async () => {
    const { v2, authorization } = await runEcr();
    const status = await fetch(await startUpload(v2), { headers: { authorization } });
    expect(status.status).toBe(404);
  });
});
