import { type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SqsJobQueue } from '../../core/aws/sqs/job-queue.ts';
import { inGroup } from '../../core/jobs/enqueue.ts';
import type { JobMessage } from '../../core/jobs/record.ts';
import { setApart } from '../../lambda/mirror/set-apart.ts';
import { type LocalQueue, startQueue } from '../../local/sqs.ts';
import { configOf } from '../unit/mirror-yaml/config-text.ts';

const region = 'eu-west-1';
const config = configOf(
  '{ version: 1, mirror: { regions: [eu-west-1] }, upstreams: [{ registry: docker.io, repositories: [{ match: "library/*" }] }] }',
);
let local: LocalQueue;
let client: SQSClient;
let queue: SqsJobQueue;
beforeAll(async () => {
  local = await startQueue(region);
  const settings = {
    endpoint: local.endpoint,
    region,
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  };
  client = new SQSClient(settings);
  queue = new SqsJobQueue(local.queueUrl, settings);
});
afterAll(async () => {
  client?.destroy();
  queue?.close();
  await local?.stop();
});

const message = (job: string): JobMessage => ({
  job,
  image: { registry: 'docker.io', repository: 'library/app', reference: job },
  event: 1,
  trigger: 'webhook',
  receivedAt: '2026-04-01T12:00:00.000Z',
});
const send = async (...names: string[]) =>
  expect(await queue.send(names.map((job) => inGroup(message(job), config)))).toEqual([]);

/** Receives a batch, as the event source does; a function that dies lets it time out. */
async function receive(hiddenSeconds: number): Promise<SQSRecord[]> {
  const { Messages: messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: local.queueUrl,
      MaxNumberOfMessages: 10,
      VisibilityTimeout: hiddenSeconds,
      WaitTimeSeconds: 5,
      MessageSystemAttributeNames: ['All'],
    }),
  );
  return messages.map(toRecord);
}

const toRecord = ({ MessageId, ReceiptHandle, Body, Attributes }: Message) =>
  ({
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    attributes: Attributes,
  }) as unknown as SQSRecord;
const jobsOf = (records: SQSRecord[]) => records.map(({ body }) => (JSON.parse(body) as JobMessage).job);

it('frees the group of a message that came back, for the messages behind it', async () => {
  await send('poison', 'beside');
  expect(jobsOf(await receive(1))).toEqual(['poison', 'beside']);
  await send('behind');
  // The function died; SQS hands the batch out again, and the message behind it.
  const again = await receive(60);
  expect(jobsOf(again).sort()).toEqual(['behind', 'beside', 'poison']);
  const left = await setApart(again, { queue, config }, ({ receiptHandle }) => queue.remove(receiptHandle));
  expect(jobsOf(left)).toEqual(['behind']);
  for (const { receiptHandle } of left) await queue.remove(receiptHandle);

  // Whatever becomes of them, nobody waits: each is alone, and runs where it is.
  const apart = await receive(60);
  expect(jobsOf(apart).sort()).toEqual(['beside', 'poison']);
  await send('later');
  expect(jobsOf(await receive(60))).toEqual(['later']);
  expect(await setApart(apart, { queue, config }, async () => {})).toEqual(apart);
  const cameBack = apart.map((record) => ({
    ...record,
    attributes: { ...record.attributes, ApproximateReceiveCount: '2' },
  }));
  expect(await setApart(cameBack, { queue, config }, async () => {})).toEqual(cameBack);
});
