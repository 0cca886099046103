import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoCheckpointStore } from '../../../core/aws/dynamodb/checkpoint-store.ts';
import { DynamoJobStore } from '../../../core/aws/dynamodb/job-store.ts';
import { DynamoLayerLeases } from '../../../core/aws/dynamodb/layer-leases.ts';
import { DynamoMappingStore } from '../../../core/aws/dynamodb/mappings/mapping-store.ts';
import { openTable, type Table } from '../../../core/aws/dynamodb/table.ts';
import { DynamoUpstreamGate } from '../../../core/aws/dynamodb/upstream-gate.ts';
import { DynamoWebhookStates } from '../../../core/aws/dynamodb/webhook-states.ts';
import { newJobId } from '../../../core/jobs/record.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { startTable } from '../../../local/dynamodb.ts';
import { keyOf, mappingOf, resolveOf } from '../../support/local-stores.ts';
import { type LossyProxy, startLossyProxy } from '../../support/lossy-proxy.ts';

/** The SDK repeats a request whose answer was lost; by then the write has taken effect. */
describe('a conditional write whose answer is lost', () => {
  let local: Awaited<ReturnType<typeof startTable>>;
  let proxy: LossyProxy;
  let table: Table;
  beforeAll(async () => {
    const region = 'eu-west-1';
    local = await startTable(region);
    proxy = await startLossyProxy(local.endpoint);
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    table = openTable(local.name, { endpoint: proxy.url, region, credentials });
  });
  afterAll(async () => {
    table.client.destroy();
    await proxy.stop();
    await local.stop();
  });

  let tags = 0;
  const freshKey = () => keyOf(`tag-${++tags}`);
  const now = new Date('2026-04-01T12:00:00.000Z');
  /** Runs it with the first answer lost, and checks that one was. */
  const losing = async <T>(work: () => Promise<T>, skip = 0): Promise<T> => {
    const before = proxy.lost;
    proxy.loseNext(skip);
    const result = await work();
    expect(proxy.lost).toBe(before + 1);
    return result;
  };

  it('is still a recorded look', async () => {
    const mappings = new DynamoMappingStore(table);
    const key = freshKey();
    expect(await losing(() => mappings.raiseRecheck(key, 'mine', now))).toBe(1);
    expect(await mappings.raiseRecheck(key, 'other', now)).toBeUndefined();
  });

  it('is still a taken lease of a tag, though not for another worker on the same job', async () => {
    const mappings = new DynamoMappingStore(table);
    const key = freshKey();
    expect(await losing(() => mappings.acquireLease(key, 'job', 30_000))).toMatchObject({ fence: 1 });
    expect(await mappings.acquireLease(key, 'job', 30_000)).toBeUndefined();
  });

  it('is still a published mapping, and only one', async () => {
    const mappings = new DynamoMappingStore(table);
    const key = freshKey();
    const publish = async (content: string, skip: number) => {
      const lease = await mappings.acquireLease(key, 'job', 30_000);
      if (!lease) throw new Error('no lease');
      const mapping = mappingOf(content);
      return await losing(() => mappings.publish(key, lease, mapping, resolveOf(mapping, 1)), skip);
    };
    // The first request of a repository's first publication records the repository; the conditional
    // write follows.
    expect(await publish('one', 1)).toBe(1);
    expect(await publish('two', 0)).toBe(2);
    expect((await mappings.readMany([key]))[0]).toMatchObject({ revision: 2, mapping: mappingOf('two') });
  });

  it('is still an attempt, a failed round and a layer’s progress that counted, and only once', async () => {
    const jobs = new DynamoJobStore(table);
    const id = newJobId(now.getTime());
    const receivedAt = now.toISOString();
    await jobs.create({
      id,
      key: freshKey(),
      event: 1,
      state: 'queued',
      trigger: 'webhook',
      receivedAt,
      attempts: 0,
    });
    expect(await losing(() => jobs.begin(id, receivedAt))).toMatchObject({ attempts: 1 });
    await jobs.update(id, { progress: { blobs: 0, totalBlobs: 2, bytes: 0, totalBytes: 20 } });
    await losing(() => jobs.addProgress(id, { blobs: 1, bytes: 10 }));
    expect(await losing(() => jobs.addLayerFailure(id))).toBe(1);
    // Another layer of the same round.
    expect(await jobs.addLayerFailure(id)).toBeUndefined();
    const job = await jobs.read(id);
    expect(job).toMatchObject({ attempts: 1, layerFailures: 1, progress: { blobs: 1, bytes: 10 } });
    expect(job).not.toHaveProperty('counted');
  });

  it('is still a layer that was queued or taken', async () => {
    const leases = new DynamoLayerLeases(table);
    const layer = digestOf(Buffer.from('layer'));
    expect(await losing(() => leases.queue({ repository: 'mirror/a', layer }, 60_000, now))).toBe(true);
    expect(await leases.queue({ repository: 'mirror/a', layer }, 60_000, now)).toBe(false);
    expect(
      await losing(() => leases.take({ repository: 'mirror/a', layer, owner: 'worker' }, 60_000, now)),
    ).toBe(true);
    expect(await leases.take({ repository: 'mirror/a', layer, owner: 'other' }, 60_000, now)).toBe(false);
  });

  it('is still a written checkpoint, and fences a twin that wrote the same', async () => {
    const checkpoints = new DynamoCheckpointStore(table, 'eu-west-1');
    const blob = digestOf(Buffer.from('blob'));
    const at = (offset: number) => ({ uploadId: 'u', partSize: 5, offset, hashState: `${offset}` });
    expect(await losing(() => checkpoints.write('mirror/a', blob, at(5), undefined))).toBe(true);
    expect(await losing(() => checkpoints.write('mirror/a', blob, at(10), at(5)))).toBe(true);
    expect(await checkpoints.write('mirror/a', blob, at(10), at(5))).toBe(false);
    expect(await checkpoints.read('mirror/a', blob)).toEqual(at(10));
  });

  it('is still a rotation, and only one', async () => {
    const states = new DynamoWebhookStates(table);
    const before = await states.read('github');
    const rotated = await losing(() => states.rotate('github', before, [], now));
    expect(rotated).toMatchObject({ generation: before.generation + 1 });
    expect(await states.rotate('github', before, [], now)).toBeUndefined();
    expect(await states.read('github')).toEqual(rotated);
  });

  it('is still a written record, an end that counts and a closed gate', async () => {
    const jobs = new DynamoJobStore(table);
    const id = newJobId();
    const job = {
      id,
      key: freshKey(),
      event: 1,
      state: 'queued',
      trigger: 'webhook',
      receivedAt: '',
      attempts: 0,
    } as const;
    await losing(() => jobs.create(job));
    expect(await jobs.read(id)).toEqual(job);
    await losing(() => jobs.update(id, { state: 'committed' }));
    expect(await jobs.read(id)).toMatchObject({ state: 'committed' });
    const gate = new DynamoUpstreamGate(table);
    const until = new Date(now.getTime() + 60_000);
    await losing(() => gate.close('docker.io', until));
    expect(await gate.closedUntil('docker.io', now)).toEqual(until);
  });
});
