import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsed } from '../support/memory-image.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { pushBlob, pushManifest, seededImage } from '../support/seeded-image.ts';
import { type Artifact, artifactOf, cosignOf, cosignTag } from '../support/signed-image.ts';

describe('a signature that is pushed after its image', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline();
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  async function push(
    repository: string,
    { manifest, blobs }: Artifact,
    reference: string = manifest.digest,
  ) {
    const { endpoint } = pipeline.upstream;
    for (const [digest, bytes] of blobs) await pushBlob(endpoint, repository, digest, bytes);
    await pushManifest(endpoint, repository, reference, manifest);
  }

  /** Sends the webhook of a cosign tag and returns what was accepted. */
  async function told(repository: string, tag: string) {
    const answer = await pipeline.github(repository, tag);
    expect(answer.status).toBe(202);
    const body = (await answer.json()) as { accepted: { image: string; job: string }[]; ignored: unknown[] };
    expect(body.ignored).toEqual([]);
    const [accepted, ...others] = body.accepted;
    expect(others).toEqual([]);
    return accepted ?? { image: '', job: '' };
  }

  it('is added to the image in the mirror, with what else belongs to it', async () => {
    const image = seededImage({ seed: 'signed', layers: [{ size: 4_000 }] });
    const root = parsed(image.manifest);
    await pipeline.mirror('acme/signed', '1', image);
    const signature = cosignOf('signature');
    await push('acme/signed', signature, cosignTag(root));
    await push('acme/signed', artifactOf('sbom', root));

    const accepted = await told('acme/signed', cosignTag(root));
    expect(accepted.image).toBe(`ghcr.io/acme/signed@${root.digest}`);
    const job = await pipeline.jobIn(accepted.job, 'committed', 'failed', 'satisfied');
    expect(job).toMatchObject({
      state: 'committed',
      trigger: 'signature',
      digest: root.digest,
      referrers: { copied: 2, missing: [] },
    });
    const { registry } = pipeline.stack;
    expect(registry.tag('mirror/ghcr.io/acme/signed', cosignTag(root))).toBe(signature.manifest.digest);
    expect(await pipeline.mapping(accepted.image)).toMatchObject({ referrers: { copied: 2, missing: [] } });
  });

  it('is left upstream if the mirror does not hold its image', async () => {
    const root = parsed(seededImage({ seed: 'not mirrored', layers: [] }).manifest);
    const accepted = await told('acme/unknown', cosignTag(root));
    const job = await pipeline.jobIn(accepted.job, 'committed', 'failed', 'satisfied');
    expect(job).toMatchObject({ state: 'satisfied', trigger: 'signature' });
    expect(await pipeline.mapping(accepted.image)).toBeUndefined();
  });
});
