import { afterAll, beforeAll, expect, it } from 'vitest';
import { DynamoJobStore } from '../../core/aws/dynamodb/job-store.ts';
import { DynamoMappingStore } from '../../core/aws/dynamodb/mappings/mapping-store.ts';
import { openTable } from '../../core/aws/dynamodb/table.ts';
import { emptyTransfer } from '../../core/copy/ports.ts';
import { type JobRecord, newJob, newJobId } from '../../core/jobs/record.ts';
import { recordParked } from '../../core/jobs/record-parked.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { type SeededImage, seededImage } from '../support/seeded-image.ts';

const large = 60_000;
const patienceMs = 100_000;
const begunMs = Date.now() - 2 * 3_600_000;

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline({ fanOutBytes: large });
});
afterAll(() => pipeline?.[Symbol.asyncDispose]());

/** Records a job that a worker began two hours ago. Its messages are gone, and so is the worker. */
async function abandoned(
  tag: string,
  more: (numbers: { event: number; resolve: number }) => Partial<JobRecord> = () => ({}),
): Promise<string> {
  const { environment } = pipeline.stack;
  const table = openTable(environment.DRAYAGE_TABLE ?? '', {
    endpoint: environment.AWS_ENDPOINT_URL_DYNAMODB,
    region: environment.AWS_REGION ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const mappings = new DynamoMappingStore(table, { historySeconds: 3_600 });
  const key = { registry: 'ghcr.io', repository: 'acme/abandoned', reference: tag };
  const [id, at] = [newJobId(begunMs), new Date(begunMs).toISOString()];
  const event = await mappings.raiseEvent(key, id);
  const { resolves: resolve } = await mappings.beginResolve(key);
  const job = newJob({ id, key, event, trigger: 'webhook', receivedAt: at });
  const begun = { state: 'copying' as const, attempts: 1, startedAt: at, begunAt: at };
  const isDue = new Date(Date.now() - 1_000);
  await recordParked({ ...job, ...begun, ...more({ event, resolve }) }, isDue, new DynamoJobStore(table));
  table.client.destroy();
  return id;
}

/** Pushes an image, and waits until its abandoned job is committed. */
async function isCommitted(
  tag: string,
  layers: { size: number }[],
  abandon: (image: SeededImage) => Promise<string>,
): Promise<void> {
  const image = seededImage({ seed: tag, layers });
  await pipeline.push('acme/abandoned', tag, image);
  const id = await abandon(image);
  expect(await pipeline.job(id)).toMatchObject({ state: 'copying' });
  await pipeline.stack.functions.schedule.invoke({ time: new Date().toISOString() });
  const state = async () => (await pipeline.job(id)).state;
  await expect.poll(state, { timeout: patienceMs, interval: 100 }).toBe('committed');
  expect(await pipeline.mapping(`ghcr.io/acme/abandoned:${tag}`)).toMatchObject({
    digest: image.manifest.digest,
  });
}

it('a job whose worker is gone is mirrored', async () => {
  await isCommitted('worker', [{ size: 1_000 }], () => abandoned('worker'));
}, 120_000);

it('a job whose layer jobs vanished is mirrored', async () => {
  await isCommitted('layers', [{ size: large }, { size: large + 1 }], ({ manifest, layers }) =>
    abandoned('layers', ({ event, resolve }) => {
      const at = new Date(begunMs).toISOString();
      const times = { observedAt: at, since: at };
      const blobs = layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
      const fannedOut = { sourceDigest: manifest.digest, layers: blobs, transfer: emptyTransfer() };
      return { fannedOut: { ...fannedOut, ...times, event, resolve } };
    }),
  );
}, 120_000);
