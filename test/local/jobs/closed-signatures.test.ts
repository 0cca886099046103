import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DynamoUpstreamGate } from '../../../core/aws/dynamodb/upstream-gate.ts';
import { MirrorJobs } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';

describe('a signature job and rate limits', () => {
  let jobs: MirrorJobs;
  // A table for each: the gate of docker.io is everybody's.
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

  it('does not ask an upstream that is closed, and leaves it closed for as long as it was', async () => {
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
});
