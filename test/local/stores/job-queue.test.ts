import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { SqsJobQueue } from '../../../core/aws/sqs/job-queue.ts';
import type { QueuedMessage } from '../../../core/jobs/ports.ts';
import { newJobId } from '../../../core/jobs/record.ts';
import { type LocalQueue, startQueue } from '../../../local/sqs.ts';
import { keyOf } from '../../support/local-stores.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';

const client = { region: 'eu-west-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };

function messageOf(i: number, group = 'mirror/docker.io/library/nginx'): QueuedMessage {
  return {
    group,
    body: {
      job: newJobId(),
      image: keyOf(`v${i}`),
      event: i,
      trigger: 'webhook',
      receivedAt: '2026-04-01T12:00:00.000Z',
    },
  };
}

describe('the mirror queue on SQS', () => {
  let local: LocalQueue;
  let queue: SqsJobQueue;
  beforeAll(async () => {
    local = await startQueue('eu-west-1');
    queue = new SqsJobQueue(local.queueUrl, { ...client, endpoint: local.endpoint });
  });
  afterEach(() => local.server.reset());
  afterAll(async () => {
    queue.close();
    await local.stop();
  });
  const waiting = () => local.server.inspectQueue('mirror.fifo')?.messages.ready ?? [];

  it('accepts more messages than a batch holds, in order', async () => {
    const messages = Array.from({ length: 23 }, (_, i) => messageOf(i));
    expect(await queue.send(messages)).toEqual([]);
    expect(waiting().map(({ body }) => JSON.parse(body))).toEqual(messages.map(({ body }) => body));
  });

  it('groups by mirror repository, however long its name is', async () => {
    await queue.send([messageOf(1, 'a'.repeat(256)), messageOf(2, 'a'.repeat(256)), messageOf(3, 'b')]);
    const groups = waiting().map(({ messageGroupId }) => messageGroupId);
    expect(groups[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(groups[1]).toBe(groups[0]);
    expect(groups[2]).not.toBe(groups[0]);
  });

  it('swallows no second message for the same job', async () => {
    const message = messageOf(1);
    await queue.send([message, message]);
    await queue.send([message]);
    expect(waiting()).toHaveLength(3);
    expect(new Set(waiting().map(({ messageDeduplicationId }) => messageDeduplicationId)).size).toBe(3);
  });

  it('sends nothing for no jobs', async () => {
    expect(await queue.send([])).toEqual([]);
    expect(waiting()).toEqual([]);
  });

  it('reports every message if the queue cannot be reached, with the reason', async () => {
    const nowhere = new SqsJobQueue('http://127.0.0.1:1/000000000000/mirror.fifo', {
      ...client,
      endpoint: 'http://127.0.0.1:1',
    });
    const messages = Array.from({ length: 3 }, (_, i) => messageOf(i));
    const refused = await nowhere.send(messages);
    nowhere.close();
    expect(refused.map(({ message }) => message)).toEqual(messages);
    expect(refused[0]?.reason).toContain('ECONNREFUSED');
  });

  it('gives up on a queue that accepts and never answers, before a webhook has to be answered', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const queue = new SqsJobQueue(`${endpoint}/000000000000/mirror.fifo`, { ...client, endpoint });
    const messages = Array.from({ length: 200 }, (_, i) => messageOf(i));
    const refused = await queue.send(messages);
    queue.close();
    silent.closeAllConnections();
    silent.close();
    expect(refused.map(({ message }) => message)).toEqual(messages);
    expect(refused[0]?.reason).toContain('TimeoutError');
  }, 9_000);
});

describe('a batch that SQS accepts in part', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });
  /** A queue whose batches get these answers, and the entries that it was sent. */
  const scripted = async (...answers: object[]) => {
    const server = await startScriptedServer(
      answers.map((body) => ({ request: 'POST /', answer: { status: 200, body } })),
    );
    const queue = new SqsJobQueue(`${server.origin}/000000000000/mirror.fifo`, {
      ...client,
      endpoint: server.origin,
    });
    const sent = () =>
      server.requests.map(
        ({ body }) =>
          JSON.parse(String(body)).Entries as {
            Id: string;
            MessageBody: string;
            MessageDeduplicationId: string;
          }[],
      );
    return { queue, sent };
  };
  const failed = (...ids: number[]) =>
    ids.map((id) => ({ Id: String(id), SenderFault: false, Code: 'InternalError', Message: 'try again' }));

  it('is sent again for what was refused, under the same deduplication id', async () => {
    const { queue, sent } = await scripted(
      { Successful: [], Failed: failed(0, 2) },
      { Successful: [], Failed: failed(1) },
      { Successful: [], Failed: [] },
    );
    const messages = [messageOf(0), messageOf(1), messageOf(2)];
    expect(await queue.send(messages)).toEqual([]);
    queue.close();

    const [first = [], second = [], third = []] = sent();
    expect(second.map(({ MessageBody }) => JSON.parse(MessageBody))).toEqual([
      messages[0]?.body,
      messages[2]?.body,
    ]);
    expect(third.map(({ MessageBody }) => JSON.parse(MessageBody))).toEqual([messages[2]?.body]);
    expect(third[0]?.MessageDeduplicationId).toBe(first[2]?.MessageDeduplicationId);
    expect(new Set(first.map(({ MessageDeduplicationId }) => MessageDeduplicationId)).size).toBe(3);
  });

  it('reports what is refused three times, and nothing else', async () => {
    const { queue } = await scripted(
      { Successful: [], Failed: failed(1) },
      { Successful: [], Failed: failed(0) },
      { Successful: [], Failed: failed(0) },
    );
    const messages = [messageOf(0), messageOf(1)];
    const refused = await queue.send(messages);
    queue.close();
    expect(refused).toEqual([{ message: messages[1], reason: 'InternalError: try again' }]);
  });
});
