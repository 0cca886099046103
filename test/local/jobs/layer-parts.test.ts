import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DynamoCheckpointStore } from '../../../core/aws/dynamodb/checkpoint-store.ts';
import { EcrRegistry } from '../../../core/aws/ecr/registry.ts';
import { StreamSpeed } from '../../../core/copy/blob/time-limit.ts';
import { DeadlineError } from '../../../core/jobs/deadline.ts';
import type { LayerDependencies } from '../../../core/jobs/layers/layer-job.ts';
import type { LayerMessage } from '../../../core/jobs/ports.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { type EmbeddedRegistry, startRegistry } from '../../../local/ecr/server.ts';
import { inChunks, stalling } from '../../support/byte-streams.ts';
import { LayerJobs } from '../../support/layer-jobs.ts';
import { jobsConfig } from '../../support/mirror-jobs.ts';

const mebibyte = 1024 * 1024;

describe('a layer that does not fit into one invocation', () => {
  let jobs: LayerJobs;
  let embedded: EmbeddedRegistry;
  let registry: EcrRegistry;
  beforeAll(async () => {
    jobs = await LayerJobs.start();
    embedded = await startRegistry({ flavour: 'ecr', region: 'eu-west-1' });
    vi.stubEnv('AWS_ENDPOINT_URL_ECR', embedded.endpoint);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
    registry = new EcrRegistry('eu-west-1', jobsConfig.mirror.repository, {
      checkpoints: new DynamoCheckpointStore(jobs.mirror.stores.table, 'eu-west-1'),
    });
  });
  afterEach(() => jobs.reset());
  afterAll(async () => {
    vi.unstubAllEnvs();
    await registry.close();
    await embedded.stop();
    await jobs.close();
  });

  it('continues in the next one after the last part that ECR has', async () => {
    const bytes = Buffer.alloc(70 * mebibyte, 'large layer');
    const layer = { mediaType: 'application/x', digest: digestOf(bytes), size: bytes.byteLength };
    const key = jobs.mirror.key();
    const { job } = await jobs.mirror.job(key);
    const progress = { blobs: 0, totalBlobs: 1, bytes: 0, totalBytes: layer.size };
    await jobs.mirror.stores.jobs.update(job, { state: 'copying', progress });
    const message: LayerMessage = { job, layer, layers: [layer] };

    const offsets: number[] = [];
    let until = 45 * mebibyte;
    jobs.mirror.upstreamChanges = {
      blob: async (_, options) => {
        const offset = options?.offset ?? 0;
        offsets.push(offset);
        if (until === layer.size) return inChunks(bytes.subarray(offset), mebibyte);
        return stalling(bytes.subarray(offset, until), options?.signal);
      },
    };
    const invocation = (): Partial<LayerDependencies> => ({
      openMirror: async (repository, options) => ({
        region: 'eu-west-1',
        destination: await registry.repository(repository, options),
      }),
      // It is too large to finish in time.
      timeLimit: { endsAt: Date.now() + 1_000, speed: new StreamSpeed() },
    });

    const deadline = new AbortController();
    const running = jobs.run(message, invocation(), deadline.signal);
    const uploaded = async () => (await jobs.mirror.record({ job })).progress?.bytes;
    await expect.poll(uploaded, { timeout: 20_000 }).toBeGreaterThanOrEqual(20 * mebibyte);
    deadline.abort(new DeadlineError());
    expect(await running).toEqual({ state: 'queued' });
    expect(jobs.woken).toEqual([]);
    expect(await uploaded(), 'what is recorded is counted by the next one').toBe(0);

    until = layer.size;
    const [again] = jobs.layerQueue.sent;
    expect(again).toEqual({ ...message, invocations: 1 });
    expect(await jobs.run(again, invocation())).toEqual({ state: 'carried', how: 'copied', complete: true });
    expect(offsets[0]).toBe(0);
    expect(offsets[1]).toBeGreaterThanOrEqual(20 * mebibyte);
    expect(jobs.woken).toEqual([job]);
    expect((await jobs.mirror.record({ job })).progress).toEqual({
      ...progress,
      blobs: 1,
      bytes: layer.size,
    });
    const mirror = await registry.repository(`mirror/docker.io/${key.repository}`);
    expect(await mirror.presentBlobs([layer])).toEqual(new Set([layer.digest]));
  });
});
