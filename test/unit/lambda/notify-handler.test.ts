import type { Context, SQSEvent } from 'aws-lambda';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { SecretError } from '../../../core/aws/secrets.ts';
import { deliver } from '../../../core/notify/deliver.ts';
import { maxAttempts } from '../../../core/notify/retries.ts';
import { createHandler } from '../../../lambda/notify/handler.ts';
import { NotifyDeployment } from '../../../lambda/notify/notify-deployment.ts';
import { meter } from '../../../lambda/shared/metrics.ts';
import { logger } from '../../../lambda/shared/telemetry.ts';
import { configOf } from '../mirror-yaml/config-text.ts';

vi.mock('../../../core/notify/deliver.ts', () => ({ deliver: vi.fn() }));

const context = { functionName: 'test', awsRequestId: '1' } as Context;
const environment = {
  DRAYAGE_CONFIG_JSON: JSON.stringify(
    configOf(`
version: 1
mirror: { regions: [eu-west-1] }
notify: [{ url: "https://hooks.example/token-in-path", secret: ours, name: chat }]
`),
  ),
  DRAYAGE_NOTIFY_QUEUE_URL: 'https://sqs.example/notify',
};
const event = { id: '01m85ak3j23mt8andghk1jng1z_mirrored', type: 'dev.drayage.image.mirrored.v1' };
const message = (endpoint = 'chat', id = event.id) => JSON.stringify({ endpoint, event: { ...event, id } });

const batch = (messages: { body: string; received?: number }[]) =>
  ({
    Records: messages.map(({ body, received = 1 }, index) => ({
      body,
      messageId: String(index),
      receiptHandle: `receipt ${index}`,
      attributes: { ApproximateReceiveCount: String(received) },
    })),
  }) as unknown as SQSEvent;

class TestDeployment extends NotifyDeployment {
  readonly hidden: [string, number][] = [];
  hides = async (receipt: string, seconds: number) => void this.hidden.push([receipt, seconds]);

  constructor(more: Record<string, string> = {}) {
    super({ ...environment, ...more });
  }

  override get queue() {
    return { hideFor: this.hides, remove: async () => {} };
  }

  override async secretsOf(): Promise<string[]> {
    return ['whsec_'];
  }
}

describe('the notify function', () => {
  const delivered = vi.mocked(deliver);
  const logged: unknown[] = [];
  beforeEach(() => {
    delivered.mockReset().mockResolvedValue({ kind: 'delivered', status: 200 });
    logged.length = 0;
    for (const level of ['info', 'warn', 'error'] as const)
      vi.spyOn(logger, level).mockImplementation((...input) => void logged.push(level, ...input));
    vi.spyOn(meter, 'publish').mockImplementation(() => {});
  });
  const run = (deployment: NotifyDeployment, ...messages: { body: string; received?: number }[]) =>
    createHandler(deployment)(batch(messages), context);

  it('delivers the events of a batch side by side, and leaves those that failed', async () => {
    let underWay = 0;
    let most = 0;
    delivered.mockImplementation(async (_, { id }) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setTimeout(resolve, 20));
      underWay -= 1;
      if (id === 'bad') return { kind: 'failed', reason: 'it answered 500' };
      return id === 'gone' ? { kind: 'gone' } : { kind: 'delivered', status: 204 };
    });
    const deployment = new TestDeployment();
    const bodies = ['good', 'bad', 'gone'].map((id) => ({ body: message('chat', id) }));
    expect(await run(deployment, ...bodies)).toEqual({ batchItemFailures: [{ itemIdentifier: '1' }] });
    expect(most).toBe(3);
    const [[receipt, seconds] = ['', 0], ...others] = deployment.hidden;
    expect([receipt, others]).toEqual(['receipt 1', []]);
    expect(seconds).toBeGreaterThanOrEqual(4);
    expect(seconds).toBeLessThanOrEqual(6);
  });

  it('pauses longer each time, and gives up after the last attempt', async () => {
    delivered.mockResolvedValue({ kind: 'failed', reason: 'it answered 500' });
    const deployment = new TestDeployment();
    for (const received of [1, 5, maxAttempts]) await run(deployment, { body: message(), received });
    const [first = 0, fifth = 0, last] = deployment.hidden.map(([, seconds]) => seconds);
    expect(fifth).toBeGreaterThan(100 * first);
    expect(last).toBe(0);
    expect(JSON.stringify(logged.at(-2))).toContain('given up');
  });

  it('waits as long as the receiver asks, and in tests no longer than told', async () => {
    delivered.mockResolvedValue({ kind: 'failed', reason: 'it answered 429', retryAfterSeconds: 700 });
    const deployment = new TestDeployment();
    await run(deployment, { body: message() });
    expect(deployment.hidden).toEqual([['receipt 0', 700]]);
    const hasty = new TestDeployment({ DRAYAGE_RETRY_SECONDS: '0' });
    await run(hasty, { body: message() });
    expect(hasty.hidden).toEqual([['receipt 0', 0]]);
  });

  it('drops an event whose endpoint is no longer configured', async () => {
    const deployment = new TestDeployment();
    expect(await run(deployment, { body: message('former') })).toEqual({ batchItemFailures: [] });
    expect(delivered).not.toHaveBeenCalled();
  });

  it('retries when the secret can’t be read, and says what helps', async () => {
    const deployment = new TestDeployment();
    deployment.secretsOf = async () => {
      throw new SecretError('ours', { problem: "can't be read", remedy: 'create it' });
    };
    expect(await run(deployment, { body: message() })).toEqual({
      batchItemFailures: [{ itemIdentifier: '0' }],
    });
    expect(JSON.stringify(logged)).toContain('the secret ours can');
    expect(JSON.stringify(logged)).toContain('create it');
  });

  it.each(['', '{}', '{"endpoint":"chat"}', message('chat', 'with.stop'), message('chat', '')])(
    'leaves the message %j to the dead-letter queue',
    async (body) => {
      const deployment = new TestDeployment();
      expect(await run(deployment, { body })).toEqual({ batchItemFailures: [{ itemIdentifier: '0' }] });
      expect(delivered).not.toHaveBeenCalled();
    },
  );

  it('never logs the URL, which may contain a token', async () => {
    delivered
      .mockResolvedValueOnce({ kind: 'delivered', status: 200 })
      .mockResolvedValueOnce({ kind: 'gone' })
      .mockResolvedValueOnce({ kind: 'failed', reason: 'it answered 500' });
    await run(new TestDeployment(), { body: message() }, { body: message() }, { body: message() });
    expect(logged.length).toBeGreaterThan(5);
    expect(JSON.stringify(logged)).not.toContain('token-in-path');
  });

  it('leaves a message to the visibility timeout if its pause can’t be set', async () => {
    delivered.mockResolvedValue({ kind: 'failed', reason: 'it answered 500' });
    const deployment = new TestDeployment();
    deployment.hides = async () => {
      throw new Error('the queue is unreachable');
    };
    expect(await run(deployment, { body: message() })).toEqual({
      batchItemFailures: [{ itemIdentifier: '0' }],
    });
  });
});
