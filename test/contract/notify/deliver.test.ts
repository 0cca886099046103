import type { LookupFunction } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { endpointConnections } from '../../../core/notify/connections.ts';
import { type Delivery, deliver } from '../../../core/notify/deliver.ts';
import { standardWebhookSecret } from '../../../core/webhooks/authenticity/standard-webhooks.ts';
import { startScriptedServer } from '../../support/scripted-server.ts';

const now = new Date('2026-04-01T12:00:00.000Z');
const secret = standardWebhookSecret(Buffer.alloc(32, 7));
const event = { id: '01m85ak3j23mt8andghk1jng1z_mirrored', data: { name: 'ü' } };

function send(url: string, secrets = [secret], lookup?: LookupFunction): Promise<Delivery> {
  const connections = endpointConnections(new URL(url), undefined, lookup);
  onTestFinished(() => connections.destroy());
  return deliver({ url }, event, { secrets, connections, now });
}

async function answered(status: number, headers: Record<string, string> = {}): Promise<Delivery> {
  const server = await startScriptedServer([{ request: 'POST /hook?room=1', answer: { status, headers } }]);
  return await send(`${server.origin}/hook?room=1`);
}

describe('a delivery', () => {
  it.each([200, 201, 202, 204])('is done after %i', async (status) => {
    expect(await answered(status)).toEqual({ kind: 'delivered', status });
  });

  it('ends for good after 410', async () => {
    expect(await answered(410)).toEqual({ kind: 'gone' });
  });

  it.each([400, 401, 404, 409, 429, 500, 502, 503, 504])('has failed after %i', async (status) => {
    expect(await answered(status)).toEqual({ kind: 'failed', reason: `it answered ${status}` });
  });

  it.each([301, 302, 303, 307, 308])('does not follow %i', async (status) => {
    expect(await answered(status, { location: '/elsewhere' })).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('redirects are not followed'),
    });
  });

  it.each([
    ['120', 120],
    ['Wed, 01 Apr 2026 12:05:00 GMT', 300],
    ['Wed, 01 Apr 2026 11:00:00 GMT', undefined],
    ['soon', undefined],
    ['-5', undefined],
  ])('heeds Retry-After: %s', async (value, retryAfterSeconds) => {
    const delivery = await answered(503, { 'retry-after': value });
    expect(delivery).toEqual({
      kind: 'failed',
      reason: 'it answered 503',
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    });
  });

  it('is signed with the current secret, and with the one before while there is one', async () => {
    const server = await startScriptedServer([
      {
        request: 'POST /',
        headers: {
          'webhook-id': event.id,
          'webhook-timestamp': '1775044800',
          'webhook-signature': /^v1,[A-Za-z0-9+/]{43}= v1,[A-Za-z0-9+/]{43}=$/,
        },
        body: JSON.stringify(event),
        answer: { status: 200 },
      },
    ]);
    const before = standardWebhookSecret(Buffer.alloc(24, 8));
    expect(await send(server.origin, [secret, before])).toMatchObject({ kind: 'delivered' });
  });

  it.each(['secret', 'whsec_', 'whsec_c2hvcnQ=', `whsec_${'A'.repeat(100)}`, 'whsec_not base64'])(
    'is not tried with the secret %s, which it does not tell',
    async (wrong) => {
      const delivery = await send('http://127.0.0.1:9', [wrong]);
      expect(delivery).toMatchObject({
        kind: 'failed',
        reason: expect.stringMatching(/24 to 64 random bytes/),
      });
      expect(JSON.stringify(delivery)).not.toContain(wrong.slice('whsec_'.length) || 'nothing to hide');
    },
  );

  it('has failed if nobody listens, or the answer breaks off', async () => {
    expect(await send('http://127.0.0.1:9')).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
    const server = await startScriptedServer([
      { request: 'POST /', answer: (response) => void response.destroy() },
    ]);
    expect(await send(server.origin)).toMatchObject({ kind: 'failed' });
  });

  it('is done although the receiver never ends its answer', async () => {
    const server = await startScriptedServer([
      {
        request: 'POST /',
        answer: (response) => {
          response.writeHead(200, { 'content-length': 1_000_000 }).write('x'.repeat(100_000));
        },
      },
    ]);
    expect(await send(server.origin)).toEqual({ kind: 'delivered', status: 200 });
  });

  it('goes to localhost if the configuration says so, and to no other name that leads here', async () => {
    const server = await startScriptedServer([{ request: 'POST /', answer: { status: 200 } }]);
    const { port } = new URL(server.origin);
    expect(await send(`http://localhost:${port}/`)).toMatchObject({ kind: 'delivered' });
    const at = (address: string): LookupFunction => {
      return (_, __, callback) => callback(null, [{ address, family: 4 }]);
    };
    for (const address of ['127.0.0.1', '169.254.169.254', '0.0.0.0'])
      expect(await send(`http://hooks.example:${port}/`, [secret], at(address))).toMatchObject({
        kind: 'failed',
        reason: expect.stringMatching(/^ADDRESS_REFUSED: hooks.example is at a/),
      });
  });
});
