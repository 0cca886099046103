import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EventBridgeNotifier, maxEntryBytes } from '../../../core/aws/eventbridge.ts';
import type { NotifiedEvent } from '../../../core/notify/event-schema.ts';
import { imageFailed } from '../../../core/notify/events.ts';
import { notifyRules } from '../../../core/notify/rules.ts';
import { type BusEvent, startEventBus } from '../../../local/eventbridge.ts';
import { busPattern } from '../../../local/notify-rules.ts';
import { configOf } from '../../unit/mirror-yaml/config-text.ts';

const config = configOf(`
version: 1
mirror: { regions: [eu-west-1] }
notify:
  - { url: https://all.example, secret: s }
  - { url: https://failed.example, secret: s, events: [failed] }
  - { url: https://mirrored.example, secret: s, events: [mirrored] }
`);
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

const failed = (message = 'it is private'): NotifiedEvent =>
  imageFailed({
    config,
    job: {
      id: '01m85ak3j23mt8andghk1jng1z',
      key: { registry: 'ghcr.io', repository: 'acme/shop', reference: '1.0' },
      trigger: 'webhook',
      receivedAt: '2026-04-01T12:00:00.000Z',
      attempts: 1,
    },
    error: { code: 'DENIED', side: 'upstream', message, remedy: 'log in' },
    at: new Date('2026-04-01T12:00:01.000Z'),
  });

/** The local bus with the configuration's rules, and what their targets got. */
async function startBus() {
  const log = new PassThrough();
  const bus = await startEventBus('eu-west-1', log);
  onTestFinished(bus.stop);
  const matched: { endpoint: string; event: BusEvent }[] = [];
  for (const { endpoint, pattern } of notifyRules(config))
    bus.addRule({
      pattern: busPattern(pattern),
      target: async (event) => void matched.push({ endpoint, event }),
    });
  const client = new EventBridgeClient({ endpoint: bus.endpoint, region: 'eu-west-1', credentials });
  onTestFinished(() => client.destroy());
  return { bus, log, matched, client };
}

/** An event bus that answers with these bodies, the last one again and again. */
async function startScript(answers: { status: number; body: object }[]) {
  let requests = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const answer = answers[Math.min(requests, answers.length - 1)];
      requests += 1;
      response
        .writeHead(answer?.status ?? 500, { 'content-type': 'application/x-amz-json-1.1' })
        .end(JSON.stringify(answer?.body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const notifier = new EventBridgeNotifier({ endpoint, region: 'eu-west-1', credentials });
  onTestFinished(() => notifier.close());
  return { notifier, requests: () => requests };
}

describe('events on the bus', () => {
  it('match the rules of the endpoints that want them, and keep every field', async () => {
    const { bus, matched } = await startBus();
    const notifier = new EventBridgeNotifier({ endpoint: bus.endpoint, region: 'eu-west-1', credentials });
    onTestFinished(() => notifier.close());
    await notifier.notify(failed());
    expect(matched.map(({ endpoint }) => endpoint)).toEqual(['all-example', 'failed-example']);
    expect(matched[0]?.event).toMatchObject({
      source: 'drayage',
      'detail-type': 'Image Failed',
      time: '2026-04-01T12:00:01.000Z',
      region: 'eu-west-1',
      detail: failed(),
    });
  });

  it('of another deployment on the same bus match no rule', async () => {
    const { client, matched } = await startBus();
    const detail = { ...failed(), source: '/drayage/eu-west-1/another' };
    const entry = { Source: 'drayage', DetailType: 'Image Failed', Detail: JSON.stringify(detail) };
    expect(await client.send(new PutEventsCommand({ Entries: [entry] }))).toMatchObject({
      FailedEntryCount: 0,
    });
    expect(matched).toEqual([]);
  });

  it('that are too large are refused before they are sent, to the byte', async () => {
    const { bus, matched, client } = await startBus();
    const notifier = new EventBridgeNotifier({ endpoint: bus.endpoint, region: 'eu-west-1', credentials });
    onTestFinished(() => notifier.close());
    const others = 14 + 'drayage'.length + 'Image Failed'.length + JSON.stringify(failed('')).length;
    const fits = failed('x'.repeat(maxEntryBytes - others - 1));
    await notifier.notify(fits);
    expect(matched).toHaveLength(2);
    const tooLarge = failed('x'.repeat(maxEntryBytes - others));
    await expect(notifier.notify(tooLarge)).rejects.toMatchObject({
      name: 'NotifyError',
      code: 'EVENT_TOO_LARGE',
      retry: { kind: 'never' },
    });
    // The bus itself draws the line at the same byte.
    const put = (event: NotifiedEvent) =>
      client.send(
        new PutEventsCommand({
          Entries: [
            {
              Source: 'drayage',
              DetailType: 'Image Failed',
              Detail: JSON.stringify(event),
              Time: new Date(event.time),
            },
          ],
        }),
      );
    expect(await put(fits)).toMatchObject({ FailedEntryCount: 0 });
    await expect(put(tooLarge)).rejects.toMatchObject({ name: 'ValidationException' });
  });

  it('are sent again while the bus is busy, and reported when it stays so', async () => {
    const busy = {
      status: 200,
      body: { FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException', ErrorMessage: 'slow' }] },
    };
    const down = { status: 503, body: { __type: 'ServiceUnavailable' } };
    const done = { status: 200, body: { FailedEntryCount: 0, Entries: [{ EventId: '1' }] } };
    const recovering = await startScript([busy, down, done]);
    await recovering.notifier.notify(failed());
    expect(recovering.requests()).toBe(3);

    const overloaded = await startScript([busy]);
    await expect(overloaded.notifier.notify(failed())).rejects.toMatchObject({
      code: 'ThrottlingException',
      message: expect.stringContaining('01m85ak3j23mt8andghk1jng1z_failed'),
      temporary: true,
    });
    expect(overloaded.requests()).toBe(3);
  });

  it('that are refused for good are reported at once', async () => {
    const refused = await startScript([{ status: 400, body: { __type: 'AccessDeniedException' } }]);
    await expect(refused.notifier.notify(failed())).rejects.toMatchObject({
      code: 'AccessDeniedException',
      temporary: false,
      remedy: expect.stringContaining('events:PutEvents'),
    });
    const malformed = await startScript([
      { status: 200, body: { FailedEntryCount: 1, Entries: [{ ErrorCode: 'MalformedDetail' }] } },
    ]);
    await expect(malformed.notifier.notify(failed())).rejects.toMatchObject({ code: 'MalformedDetail' });
    expect([refused.requests(), malformed.requests()]).toEqual([1, 1]);
  });
});

describe('the local bus', () => {
  it('refuses what EventBridge refuses, an entry at a time', async () => {
    const { client, matched } = await startBus();
    const whole = { Source: 'drayage', DetailType: 'Image Failed', Detail: JSON.stringify(failed()) };
    const { FailedEntryCount, Entries = [] } = await client.send(
      new PutEventsCommand({
        Entries: [
          { ...whole, Detail: '{' },
          { ...whole, Detail: '[]' },
          { ...whole, DetailType: undefined },
          { ...whole, Source: 'aws.ecr' },
          { ...whole, EventBusName: 'another' },
          whole,
        ],
      }),
    );
    expect(FailedEntryCount).toBe(5);
    expect(Entries.map(({ ErrorCode, EventId }) => ErrorCode ?? typeof EventId)).toEqual([
      'MalformedDetail',
      'MalformedDetail',
      'InvalidArgument',
      'NotAuthorizedForSourceException',
      'ResourceNotFoundException',
      'string',
    ]);
    expect(matched.map(({ endpoint }) => endpoint)).toEqual(['all-example', 'failed-example']);
  });

  it('takes one to ten entries', async () => {
    const { client } = await startBus();
    const entry = { Source: 'a', DetailType: 'b', Detail: '{}' };
    for (const Entries of [[], Array(11).fill(entry)])
      await expect(client.send(new PutEventsCommand({ Entries }))).rejects.toMatchObject({
        name: 'ValidationException',
      });
  });

  it('answers any process on this machine, whatever it sends', async () => {
    const { bus } = await startBus();
    const send = (target: string, body: string) =>
      fetch(bus.endpoint, { method: 'POST', headers: { 'x-amz-target': target }, body });
    for (const body of ['', '{', 'null', '[]', '{"Entries":[null]}', '{"Entries":{}}'])
      expect((await send('AWSEvents.PutEvents', body)).status).toBe(400);
    expect((await send('AWSEvents.PutRule', '{}')).status).toBe(400);
  });

  it('reports a target that does not take an event', async () => {
    const { bus, client, log } = await startBus();
    const [rule] = notifyRules(config);
    if (!rule) throw new Error('there is no rule');
    bus.addRule({
      pattern: busPattern(rule.pattern),
      target: async () => {
        throw new Error('the queue is gone');
      },
    });
    const entry = { Source: 'drayage', DetailType: 'Image Failed', Detail: JSON.stringify(failed()) };
    await client.send(new PutEventsCommand({ Entries: [entry] }));
    expect(String(log.read())).toContain('the queue is gone');
  });
});
