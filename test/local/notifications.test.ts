import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { NotifyEndpoint } from '../../core/config/config.ts';
import { eventSchemas } from '../../core/notify/event-schema.ts';
import { type Pipeline, pipelineConfig, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

const key = Buffer.from('a key of thirty-two random bytes');
const secrets = { 'notify/ours': { secret: `whsec_${key.toString('base64')}` } };
const image = (seed: string) => seededImage({ seed, layers: [{ size: 1_000 }] });

interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A receiver of webhooks; `answers` has the next statuses for a path, and then it answers 200. */
async function startReceiver() {
  const received: Received[] = [];
  const answers = new Map<string, (number | 'never')[]>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url: path = '', headers } = request;
      received.push({ path, headers, body: Buffer.concat(chunks) });
      const status = answers.get(path)?.shift() ?? 200;
      if (status !== 'never') response.writeHead(status, { location: '/elsewhere' }).end('thank you');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    answers,
    at: (path: string) => received.filter((request) => request.path === path),
    clear() {
      received.length = 0;
      answers.clear();
    },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The event, once another implementation has verified its signature and time. */
function verified({ headers, body }: Received): unknown {
  const { secret } = secrets['notify/ours'];
  return new Webhook(secret).verify(body.toString('utf8'), headers as Record<string, string>);
}

describe('outgoing webhooks', () => {
  let pipeline: Pipeline;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  beforeAll(async () => {
    receiver = await startReceiver();
    const endpoint = (name: string, more: Partial<NotifyEndpoint> = {}): NotifyEndpoint => ({
      name,
      url: `${receiver.origin}/${name}`,
      secret: 'notify/ours',
      events: ['mirrored', 'failed', 'removed'],
      ...more,
    });
    pipeline = await startPipeline({
      upstreamSecrets: secrets,
      configure: (upstream) => ({
        ...pipelineConfig(upstream),
        notify: [
          endpoint('all'),
          endpoint('failures', { events: ['failed'] }),
          endpoint('unsigned', { secret: 'notify/none' }),
          endpoint('metadata', { url: 'http://169.254.169.254/latest/api/token' }),
        ],
      }),
    });
  });
  beforeEach(() => receiver.clear());
  afterAll(async () => {
    await pipeline?.[Symbol.asyncDispose]();
    receiver.stop();
  });

  const arrived = (path: string, count: number) =>
    vi.waitFor(
      () => {
        expect(receiver.at(path).length).toBeGreaterThanOrEqual(count);
        return receiver.at(path);
      },
      { timeout: 15_000 },
    );

  it('tell of a mirrored image, signed as Standard Webhooks', async () => {
    const job = await pipeline.mirror('acme/told', '1.0', image('told'));
    const [request] = await arrived('/all', 1);
    if (!request) throw new Error('nothing arrived');

    const { headers } = request;
    expect(headers).toMatchObject({
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'webhook-id': `${job.id}_mirrored`,
      'user-agent': expect.stringMatching(/^drayage\//),
    });
    const event = eventSchemas.mirrored.strict().parse(verified(request));
    expect(event).toMatchObject({
      id: headers['webhook-id'],
      subject: 'ghcr.io/acme/told:1.0',
      data: { mapping: await pipeline.mapping('ghcr.io/acme/told:1.0'), job: { id: job.id } },
    });
    expect(receiver.at('/failures')).toEqual([]);
  });

  it('tell of a failed one, each endpoint what it asked for', async () => {
    await pipeline.push('acme/private', '1.0', image('private'));
    pipeline.upstream.faults.add({
      match: { path: '/acme/private/' },
      action: { kind: 'status', status: 403 },
    });
    await pipeline.github('acme/private', '1.0');
    for (const path of ['/failures', '/all']) {
      const [request] = await arrived(path, 1);
      const event = eventSchemas.failed.strict().parse(request && verified(request));
      const job = await pipeline.job(event.data.job.id);
      expect(job).toMatchObject({ state: 'failed', error: event.data.error });
    }
  });

  it('are sent again until the receiver takes them, with the same id and body', async () => {
    receiver.answers.set('/all', [500, 307]);
    await pipeline.mirror('acme/again', '1.0', image('again'));
    const requests = await arrived('/all', 3);
    expect(new Set(requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(requests.map(({ body }) => body.toString('utf8'))).size).toBe(1);
    for (const request of requests) expect(verified(request)).toBeDefined();
    await pipeline.mirror('acme/again', '2.0', image('again 2'));
    await arrived('/all', 4);
    // Neither a fourth attempt nor the redirect's target.
    expect(receiver.at('/all')).toHaveLength(4);
    expect(receiver.at('/elsewhere')).toEqual([]);
  });

  it('end for an event that the receiver calls gone', async () => {
    receiver.answers.set('/all', [410]);
    await pipeline.mirror('acme/gone', '1.0', image('gone'));
    await arrived('/all', 1);
    await vi.waitFor(() => expect(pipeline.logs()).toContain('wants no more events (410)'), 5_000);
    expect(receiver.at('/all')).toHaveLength(1);
  });

  it('move to the dead-letter queue when every attempt has failed, whatever the reason', async () => {
    const { server } = pipeline.stack.queue;
    const waiting = () =>
      [...(server.inspectQueue('notify-dead-letters')?.messages.ready ?? [])].map(
        ({ body }) => (JSON.parse(body) as { endpoint: string }).endpoint,
      );
    await vi.waitFor(() => expect(waiting()).toEqual(expect.arrayContaining(['unsigned', 'metadata'])), {
      timeout: 20_000,
    });
    expect(waiting()).not.toContain('all');
    expect(pipeline.logs()).toContain('the secret notify/none can');
  });

  it('are not held up by an endpoint that does not answer', async () => {
    receiver.answers.set('/failures', Array(20).fill('never'));
    for (const tag of ['1', '2', '3'])
      await pipeline.post('/v1/mirrors', { images: [`ghcr.io/acme/absent:${tag}`] });
    await arrived('/failures', 3);
    const before = Date.now();
    const job = await pipeline.mirror('acme/swift', '1.0', image('swift'));
    await vi.waitFor(
      () =>
        expect(receiver.at('/all').map(({ headers }) => headers['webhook-id'])).toContain(
          `${job.id}_mirrored`,
        ),
      { timeout: 10_000 },
    );
    expect(Date.now() - before).toBeLessThan(10_000);
  });
});
