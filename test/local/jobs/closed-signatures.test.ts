import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DynamoUpstreamGate } from '../../../core/aws/dynamodb/upstream-gate.ts';
import { RegistryError } from '../../../core/registry/errors.ts';
import { parsed } from '../../support/memory-image.ts';
import { MirrorJobs, upstreamError } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';
import { artifactOf, holdArtifact } from '../../support/signed-image.ts';

describe('a signature job and rate limits', () => {
  let jobs: MirrorJobs;
  // A table for each: the gate of docker.io is shared by all.
  beforeEach(async () => {
    jobs = await MirrorJobs.start();
  });
  afterEach(() => jobs.close());
  const gate = () => new DynamoUpstreamGate(jobs.stores.table);

  async function mirrored(seed: string) {
    const image = seededImage({ seed, layers: [{ size: 300 }] });
    const key = jobs.key();
    await jobs.mirrored(key, image);
    return { key, image, subject: { ...key, reference: image.manifest.digest } };
  }

  it('does not ask a closed upstream, and leaves it closed for as long as it was', async () => {
    const { subject } = await mirrored('closed');
    const until = new Date(jobs.now.getTime() + 60_000);
    await gate().close('docker.io', until);
    const nobody = vi.fn();
    const message = await jobs.job(subject, 'signature');
    expect(await jobs.run(message, { openUpstream: nobody })).toMatchObject({ state: 'waiting' });
    expect(nobody).not.toHaveBeenCalled();
    expect(await jobs.record(message)).toMatchObject({ attempts: 0, error: { code: 'UPSTREAM_CLOSED' } });
    expect(await gate().closedUntil('docker.io', jobs.now)).toEqual(until);
  });

  it('closes an upstream that limits the rate, for as long as it asks', async () => {
    const { key, image, subject } = await mirrored('upstream limits');
    holdArtifact(jobs.upstream(key), artifactOf('sbom', parsed(image.manifest)));
    const limit = { status: 429, temporary: true, retryAfterMs: 1_000_000 };
    jobs.upstreamChanges = { manifest: () => Promise.reject(upstreamError('TOOMANYREQUESTS', limit)) };
    const message = await jobs.job(subject, 'signature');
    expect(await jobs.run(message)).toMatchObject({ state: 'waiting' });
    const { notBefore = '', attempts, error } = await jobs.record(message);
    expect({ attempts, error }).toMatchObject({ attempts: 0, error: { side: 'upstream' } });
    expect(Date.parse(notBefore) - jobs.now.getTime()).toBeGreaterThanOrEqual(1_000_000);
    expect(await gate().closedUntil('docker.io', jobs.now)).toEqual(new Date(notBefore));
    // Only the reason is stored and shown.
    const missing = [{ code: 'TOOMANYREQUESTS', temporary: true }];
    const mapping = await jobs.mapping(subject);
    expect(mapping?.referrers).toMatchObject({ missing });
    expect(mapping?.referrers?.missing[0]).not.toHaveProperty('side');
    expect(mapping?.referrers?.missing[0]).not.toHaveProperty('retryAfterMs');
  });

  it('leaves the upstream open when the mirror limits the rate', async () => {
    const { key, image, subject } = await mirrored('mirror limits');
    holdArtifact(jobs.upstream(key), artifactOf('sbom', parsed(image.manifest)));
    const limit = new RegistryError(
      { side: 'mirror', registry: 'mirror.example', operation: 'put manifest' },
      { code: 'TOOMANYREQUESTS', status: 429, temporary: true, reason: 'the registry answered 429' },
    );
    jobs.mirrorChanges = { putManifest: () => Promise.reject(limit) };
    const message = await jobs.job(subject, 'signature');
    expect(await jobs.run(message)).toMatchObject({ state: 'waiting' });
    expect(await jobs.record(message)).toMatchObject({ attempts: 0, error: { side: 'mirror' } });
    expect(await gate().closedUntil('docker.io', jobs.now)).toBeUndefined();
  });
});
