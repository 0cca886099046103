import type { SQSRecord } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { type BatchWork, runBatch } from '../../../lambda/mirror/batch.ts';

const record = (id: string, tag: string, received = 1): SQSRecord =>
  ({
    messageId: id,
    attributes: { ApproximateReceiveCount: `${received}` },
    body: JSON.stringify({
      job: id,
      image: { registry: 'ghcr.io', repository: 'acme/api', reference: tag },
      event: 1,
      trigger: 'webhook',
      receivedAt: '2026-04-01T12:00:00.000Z',
    }),
  }) as unknown as SQSRecord;

/** Work that ends when the test says so, and records what runs. */
function recording(begunAt: Record<string, string> = {}) {
  const running = new Map<string, (ok: boolean) => void>();
  const begun: string[] = [];
  const work: BatchWork = {
    run: ({ messageId }) => {
      begun.push(messageId);
      return new Promise((resolve) => running.set(messageId, resolve));
    },
    begunAtOf: async ({ messageId }) => begunAt[messageId] ?? '',
  };
  const end = async (id: string, ok = true) => {
    running.get(id)?.(ok);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { work, begun, end };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const ids = (records: SQSRecord[]) => records.map(({ messageId }) => messageId);

describe('a batch of the mirror queue', () => {
  it('runs the tags side by side, and the messages of one tag in their order', async () => {
    const { work, begun, end } = recording();
    const failed = runBatch([record('a', '1'), record('b', '2'), record('c', '1')], work);
    await settled();
    expect(begun).toEqual(['a', 'b']);
    await end('a');
    expect(begun).toEqual(['a', 'b', 'c']);
    await end('b');
    await end('c');
    expect(ids(await failed)).toEqual([]);
  });

  it('reports what fails, and lets everything else have its turn, also of the same tag', async () => {
    const { work, begun, end } = recording();
    const failed = runBatch([record('a', '1'), record('b', '2'), record('c', '1')], work);
    await settled();
    await end('a', false);
    await end('b');
    await end('c');
    expect(begun).toEqual(['a', 'b', 'c']);
    expect(ids(await failed)).toEqual(['a']);
  });

  it('runs what can’t be read beside the others', async () => {
    const { work, begun, end } = recording();
    const odd = [
      { ...record('x', '1'), body: '{' },
      { ...record('y', '1'), body: '{}' },
    ];
    const failed = runBatch([...odd, record('a', '1')], work);
    await settled();
    expect(begun).toEqual(['x', 'y', 'a']);
    for (const id of ['x', 'y']) await end(id, false);
    await end('a');
    expect(ids(await failed).sort()).toEqual(['x', 'y']);
  });

  it('runs one after the other what came before, with the jobs first that were begun least often', async () => {
    const { work, begun, end } = recording({ a: '09:02', b: '09:01' });
    const failed = runBatch([record('a', '1', 2), record('b', '2', 2), record('c', '3', 2)], work);
    for (const [position, id] of ['c', 'b', 'a'].entries()) {
      await settled();
      expect(begun).toHaveLength(position + 1);
      await end(id);
    }
    expect(begun).toEqual(['c', 'b', 'a']);
    expect(ids(await failed)).toEqual([]);
  });

  it('asks nothing about a single message', async () => {
    const { work, begun, end } = recording();
    const asking = { ...work, begunAtOf: async () => expect.fail('it was asked') };
    const failed = runBatch([record('a', '1', 3)], asking);
    await settled();
    await end('a');
    expect(begun).toEqual(['a']);
    expect(await failed).toEqual([]);
  });
});
