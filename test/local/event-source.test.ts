import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

describe('the queue of the local stack', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline({ retrySeconds: 0 });
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  it('moves a message that crashes the function five times to the dead-letter queue, and continues', async () => {
    const { endpoint, queueUrl, server } = pipeline.stack.queue;
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const client = new SQSClient({ endpoint, region: 'eu-west-1', credentials });
    const body = JSON.stringify({ what: 'no job' });
    await client.send(
      new SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: body,
        MessageGroupId: 'g',
        MessageDeduplicationId: '1',
      }),
    );
    client.destroy();
    const dead = () =>
      server.inspectQueue('mirror-dead-letters.fifo')?.messages.ready.map((message) => message.body);
    await expect.poll(dead, { timeout: 20_000 }).toEqual([body]);
    expect(pipeline.logs().split('the message goes back to the queue').length - 1).toBe(5);

    const job = await pipeline.mirror(
      'acme/after',
      '1',
      seededImage({ seed: 'after', layers: [{ size: 3_000 }] }),
    );
    expect(job.state).toBe('committed');
  });

  it('runs jobs of one repository in turn', async () => {
    const image = (n: number) =>
      seededImage({ seed: `turn ${n}`, layers: [{ size: 200_000, seed: 'shared' }] });
    for (const n of [1, 2, 3]) await pipeline.push('acme/turn', `${n}`, image(n));
    pipeline.upstream.clearRequests();
    const ids = await Promise.all(
      [1, 2, 3].map(async (n) => {
        const { accepted } = (await (await pipeline.github('acme/turn', `${n}`)).json()) as {
          accepted: { job: string }[];
        };
        return accepted[0]?.job ?? '';
      }),
    );
    const jobs = await Promise.all(ids.map((id) => pipeline.jobIn(id, 'committed')));
    expect(jobs.map(({ transfer }) => transfer?.present.blobs).sort()).toEqual([0, 1, 1]);
    const shared = image(1).layers[0]?.digest ?? '';
    expect(pipeline.upstream.requests.filter(({ path }) => path.includes(shared))).toHaveLength(1);
  });
});
