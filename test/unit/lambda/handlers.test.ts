import type { APIGatewayProxyEventV2, Context, SQSEvent } from 'aws-lambda';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { JobStore } from '../../../core/jobs/ports.ts';
import type { MappingStore } from '../../../core/mapping/store.ts';
import { newWebhookState, type WebhookStates } from '../../../core/webhooks/secrets/state.ts';
import { ApiDeployment } from '../../../lambda/api/api-deployment.ts';
import { createHandler as createApi } from '../../../lambda/api/handler.ts';
import { createHandler as createLayer } from '../../../lambda/layer/handler.ts';
import { createHandler as createMirror } from '../../../lambda/mirror/handler.ts';
import { MirrorDeployment } from '../../../lambda/mirror/mirror-deployment.ts';
import { ScheduleDeployment } from '../../../lambda/schedule/deployment.ts';
import { createHandler as createSchedule } from '../../../lambda/schedule/handler.ts';
import { meter, stateMetric } from '../../../lambda/shared/metrics.ts';
import { logger } from '../../../lambda/shared/telemetry.ts';
import { WebhookDeployment } from '../../../lambda/shared/webhook-deployment.ts';
import { createHandler as createWebhook } from '../../../lambda/webhook/handler.ts';
import { configOf, withUpstream } from '../mirror-yaml/config-text.ts';

const context = {
  functionName: 'test',
  awsRequestId: '1',
  getRemainingTimeInMillis: () => 900_000,
} as Context;

/** The environment of a deployment that mirrors these repositories of ghcr.io. */
const mirrors = (match: string) => ({
  DRAYAGE_CONFIG_JSON: JSON.stringify(
    configOf(
      withUpstream(
        '  - registry: ghcr.io',
        '    webhook: { source: github }',
        `    repositories: [{ match: "${match}" }]`,
      ),
    ),
  ),
  DRAYAGE_TABLE: 'table',
  DRAYAGE_QUEUE_URL: 'https://sqs.example/mirror.fifo',
  DRAYAGE_LAYER_QUEUE_URL: 'https://sqs.example/layer',
  DRAYAGE_FAN_OUT_BYTES: '1048576',
  DRAYAGE_WEBHOOK_SECRET: 'webhooks',
  DRAYAGE_API_SECRET: '',
});
const acme = mirrors('acme/**');

const request = (method: string, path: string, body = '', domainName = 'localhost') =>
  ({
    rawPath: path,
    rawQueryString: '',
    headers: { 'x-forwarded-proto': 'http' },
    requestContext: { stage: '$default', domainName, http: { method } },
    body,
  }) as unknown as APIGatewayProxyEventV2;

const batch = (...bodies: string[]) =>
  ({
    Records: bodies.map((body, index) => ({
      body,
      messageId: String(index),
      receiptHandle: `receipt ${index}`,
      attributes: { ApproximateReceiveCount: '2' },
    })),
  }) as unknown as SQSEvent;

const mirrorMessage = JSON.stringify({
  job: 'job',
  image: { registry: 'ghcr.io', repository: 'acme/api', reference: '1' },
  event: 1,
  trigger: 'webhook',
  receivedAt: '2026-04-01T12:00:00.000Z',
  apart: true,
});

const logged = vi.fn();
beforeEach(() => {
  logged.mockReset();
  for (const level of ['info', 'warn', 'error'] as const)
    vi.spyOn(logger, level).mockImplementation((_message, ...[extra]) => void logged(level, extra));
  vi.spyOn(meter, 'publish').mockImplementation(() => {});
});
/** The messages of the errors that were logged. */
const errors = () =>
  logged.mock.calls.flatMap(([, extra]) => (extra?.error ? [(extra.error as Error).message] : []));

/** A queue that records how long messages are hidden, and which are deleted. */
class RecordingQueue {
  readonly sent: unknown[] = [];
  readonly hidden: string[] = [];
  readonly removed: string[] = [];
  async remove(handle: string): Promise<void> {
    this.removed.push(handle);
  }
  async send(messages: unknown[]): Promise<[]> {
    this.sent.push(...messages);
    return [];
  }
  async hideFor(handle: string, seconds: number): Promise<void> {
    this.hidden.push(`${handle} ${seconds}`);
  }
}

/** A store whose jobs are all finished. */
const finishedJobs = {
  begin: async () => undefined,
  read: async () => ({ state: 'committed' }),
} as unknown as JobStore;

class RecordingCopy extends MirrorDeployment {
  readonly recorded = new RecordingQueue();
  override get queue() {
    return this.recorded;
  }
  override get layerQueue() {
    return this.recorded;
  }
  override get jobs() {
    return finishedJobs;
  }
}

describe('a variable that is missing or wrong is named', () => {
  it('by the schedule function', async () => {
    const run = (env: NodeJS.ProcessEnv) =>
      createSchedule(new ScheduleDeployment(env))({ time: '2026-04-01T12:00:00Z' }, context);
    await expect(run({})).rejects.toThrow('DRAYAGE_CONFIG_JSON');
    await expect(run({ ...acme, DRAYAGE_TABLE: undefined })).rejects.toThrow('DRAYAGE_TABLE is not set');
    await expect(run({ ...acme, DRAYAGE_QUEUE_URL: '' })).rejects.toThrow('DRAYAGE_QUEUE_URL is empty');
  });

  it('by the webhook function', async () => {
    const handler = createWebhook(new WebhookDeployment({ ...acme, DRAYAGE_TABLE: undefined }));
    await expect(handler(request('POST', '/webhooks/github'), context)).rejects.toThrow('DRAYAGE_TABLE');
  });

  it('by the API function, in its log alone', async () => {
    const handler = createApi(new ApiDeployment({ ...acme, DRAYAGE_API_SECRET: undefined }));
    const { statusCode, body } = await handler(request('GET', '/v1/jobs'), context);
    expect(statusCode).toBe(500);
    expect(body).not.toContain('DRAYAGE');
    expect(errors()).toEqual([expect.stringContaining('DRAYAGE_API_SECRET is not set')]);
  });

  it.each([
    ['mirror', createMirror],
    ['layer', createLayer],
  ])('by the %s function, before it begins', async (_name, create) => {
    for (const variable of ['DRAYAGE_HOLD_SECONDS', 'DRAYAGE_RETRY_SECONDS']) {
      const deployment = new RecordingCopy({ ...acme, [variable]: 'soon' });
      await expect(create(deployment)(batch(mirrorMessage), context)).rejects.toThrow(
        `${variable} is "soon", which is not a`,
      );
      expect(deployment.recorded.hidden).toEqual([]);
    }
  });

  it('by the mirror function, whose message is delivered again', async () => {
    const handler = createMirror(new RecordingCopy({ ...acme, DRAYAGE_FAN_OUT_BYTES: 'many' }));
    expect(await handler(batch(mirrorMessage), context)).toEqual({
      batchItemFailures: [{ itemIdentifier: '0' }],
    });
    expect(errors()).toEqual([expect.stringContaining('DRAYAGE_FAN_OUT_BYTES is "many"')]);
  });
});

describe('the functions of the queues', () => {
  it('hide messages for the time that the environment gives, and release those whose job is finished', async () => {
    const deployment = new RecordingCopy({ ...acme, DRAYAGE_HOLD_SECONDS: '7' });
    expect(await createMirror(deployment)(batch(mirrorMessage), context)).toEqual({ batchItemFailures: [] });
    expect(deployment.recorded.hidden).toEqual(['receipt 0 7']);
  });

  it('leave jobs of a batch that there is no time for to another invocation', async () => {
    const deployment = new RecordingCopy(acme);
    const other = mirrorMessage.replace('"job":"job"', '"job":"other"');
    let left = 900_000;
    const running = {
      ...context,
      getRemainingTimeInMillis: () => {
        const now = left;
        left = 50_000;
        return now;
      },
    } as Context;
    expect(await createMirror(deployment)(batch(mirrorMessage, other), running)).toEqual({
      batchItemFailures: [],
    });
    expect(deployment.recorded.sent).toMatchObject([{ body: { job: 'other' } }]);
    expect(deployment.recorded.removed).toHaveLength(2);
  });

  it('give a message that came back a group of its own, once, and run the others', async () => {
    const deployment = new RecordingCopy(acme);
    const { apart: _apart, ...first } = JSON.parse(mirrorMessage);
    const event = batch(JSON.stringify(first), mirrorMessage.replace('"job":"job"', '"job":"apart"'));
    expect(await createMirror(deployment)(event, context)).toEqual({ batchItemFailures: [] });
    expect(deployment.recorded.sent).toEqual([{ group: 'apart job', body: { ...first, apart: true } }]);
    expect(deployment.recorded.removed.sort()).toEqual(['receipt 0', 'receipt 1']);
    // A queue that refuses it: the message is run where it is.
    const refusing = new RecordingCopy(acme);
    refusing.recorded.send = async () => {
      throw new Error('switched off');
    };
    const again = await createMirror(refusing)(batch(JSON.stringify(first)), context);
    expect([again, refusing.recorded.removed]).toEqual([{ batchItemFailures: [] }, []]);
  });

  it('delete each finished message of a batch at once, and no single one, which Lambda deletes', async () => {
    const deployment = new RecordingCopy(acme);
    const other = mirrorMessage.replace('"reference":"1"', '"reference":"2"');
    expect(await createMirror(deployment)(batch(mirrorMessage, other), context)).toEqual({
      batchItemFailures: [],
    });
    expect(deployment.recorded.removed.sort()).toEqual(['receipt 0', 'receipt 1']);
    const single = new RecordingCopy(acme);
    await createMirror(single)(batch(mirrorMessage), context);
    expect(single.recorded.removed).toEqual([]);
  });

  it.each([
    ['mirror', createMirror, 60, undefined, 60],
    ['mirror', createMirror, 60, '5', 10],
    ['layer', createLayer, 120, undefined, 180],
    ['layer', createLayer, 120, '5', 10],
  ])(
    'the %s function has a message delivered again that it cannot read',
    async (_name, create, hold, retry, seconds) => {
      const deployment = new RecordingCopy({ ...acme, DRAYAGE_RETRY_SECONDS: retry });
      expect(await create(deployment)(batch('{}'), context)).toEqual({
        batchItemFailures: [{ itemIdentifier: '0' }],
      });
      // It came for the second time.
      expect(deployment.recorded.hidden).toEqual([`receipt 0 ${hold}`, `receipt 0 ${seconds}`]);
    },
  );

  it('count what ended by its state', () => {
    expect(stateMetric('Jobs', 'committed')).toBe('JobsCommitted');
    expect(stateMetric('Layers', 'held')).toBe('LayersHeld');
  });
});

describe('two deployments in one process', () => {
  class Memory extends ApiDeployment {
    readonly recorded = new RecordingQueue();
    override get queue() {
      return this.recorded;
    }
    override get mappings() {
      return { raiseEvent: async () => 1 } as unknown as MappingStore;
    }
    override get jobs() {
      return { park: async () => {}, create: async () => {} } as unknown as JobStore;
    }
  }

  it('mirror what each one’s own configuration says', async () => {
    const [own, other] = [new Memory(acme), new Memory(mirrors('other/**'))];
    const event = request('POST', '/v1/mirrors', '{"images":["ghcr.io/acme/api:1"]}');
    expect(await createApi(own)(event, context)).toMatchObject({ statusCode: 202 });
    expect(await createApi(other)(event, context)).toMatchObject({ statusCode: 403 });
    expect([own.recorded.sent.length, other.recorded.sent.length]).toEqual([1, 0]);
  });

  it('record deliveries separately, and each one once', async () => {
    class Noting extends WebhookDeployment {
      readonly noted: string[] = [];
      override get secrets() {
        const root = { root: 'root' } as Record<string, string>;
        return {
          read: async () => root,
          readField: async () => 'root',
          readFields: async () => root,
        } as unknown as WebhookDeployment['secrets'];
      }
      override get webhookStates() {
        const note = async (name: string) => void this.noted.push(name);
        return { read: async () => newWebhookState, note } as unknown as WebhookStates;
      }
    }
    const deployments = [new Noting(acme), new Noting(acme)];
    const forged = request('POST', '/webhooks/github', '{}', 'api.example');
    for (const deployment of deployments) {
      const handler = createWebhook(deployment);
      for (let n = 0; n < 2; n++) expect(await handler(forged, context)).toMatchObject({ statusCode: 401 });
    }
    expect(deployments.map(({ noted }) => noted)).toEqual([['github'], ['github']]);
  });
});
