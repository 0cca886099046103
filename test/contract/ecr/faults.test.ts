import { GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { pushBlob } from '../../support/push-image.ts';
import { seededBytes } from '../../support/seeded-layer.ts';
import { ecrClient, errorsOf, rejectionOf, runRegistry } from './ecr-fixture.ts';

const blob = seededBytes('blob', 200_000);
const digest = digestOf(blob);

/** A plain registry with one blob. */
async function runWithBlob() {
  const registry = await runRegistry({ flavour: 'distribution' });
  await pushBlob(registry.endpoint, 'a', digest, blob);
  registry.clearRequests();
  const get = (init?: RequestInit) => fetch(`${registry.endpoint}/v2/a/blobs/${digest}`, init);
  return { registry, get };
}

/** How many bytes of a body arrived, and whether it was complete. */
async function received(response: Response): Promise<{ bytes: number; ended: boolean }> {
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) bytes += (chunk as Uint8Array).length;
    return { bytes, ended: true };
  } catch {
    return { bytes, ended: false };
  }
}

describe('faults', () => {
  it('answer with a status and headers, as often as configured', async () => {
    const { registry, get } = await runWithBlob();
    registry.faults.add({
      match: { method: 'get', path: `/blobs/${digest}`, times: 2 },
      action: { kind: 'status', status: 429, headers: { 'retry-after': '3' } },
    });
    const first = await get();
    expect([first.status, first.headers.get('retry-after')]).toEqual([429, '3']);
    expect(await errorsOf(first)).toMatchObject([{ code: 'TOOMANYREQUESTS' }]);
    expect((await get()).status).toBe(429);
    expect((await get()).status).toBe(200);
    expect(registry.requests.map(({ status }) => status)).toEqual([429, 429, 200]);
  });

  it('match by method, by a part of the path and by a pattern, and can be switched off', async () => {
    const { registry, get } = await runWithBlob();
    const action = { kind: 'status', status: 503 } as const;
    registry.faults.add({ match: { method: 'PUT' }, action });
    registry.faults.add({ match: { path: '/manifests/' }, action });
    const off = registry.faults.add({ match: { path: /blobs\/sha256:[0-9a-f]{64}$/g }, action });
    expect([(await get()).status, (await get()).status]).toEqual([503, 503]);
    off();
    expect((await get()).status).toBe(200);
    registry.faults.add({ match: {}, action });
    expect((await get()).status).toBe(503);
    registry.faults.clear();
    expect((await get()).status).toBe(200);
  });

  it('are the same for the same seed', async () => {
    const outcomes = async (seed: number) => {
      const { registry, get } = await runWithBlob();
      registry.faults.add({ match: { probability: 0.5, seed }, action: { kind: 'status', status: 500 } });
      const statuses: number[] = [];
      for (let i = 0; i < 24; i++) statuses.push((await get({ method: 'HEAD' })).status);
      return statuses;
    };
    const first = await outcomes(7);
    expect(new Set(first)).toEqual(new Set([200, 500]));
    expect(await outcomes(7)).toEqual(first);
    expect(await outcomes(8)).not.toEqual(first);
  });

  it('apply to operations of the API', async () => {
    const registry = await runRegistry({ flavour: 'ecr' });
    registry.faults.add({
      match: { operation: 'GetAuthorizationToken', times: 1 },
      action: { kind: 'status', status: 400 },
    });
    const client = ecrClient(registry);
    expect((await rejectionOf(client.send(new GetAuthorizationTokenCommand({})))).name).toBe(
      'ServerException',
    );
    registry.faults.add({ match: { times: 1 }, action: { kind: 'status', status: 429 } });
    const throttled = await rejectionOf(client.send(new GetAuthorizationTokenCommand({})));
    expect(throttled.name).toBe('ThrottlingException');
    const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}));
    expect(authorizationData).toHaveLength(1);
    expect(registry.requests.map(({ operation, status }) => [operation, status])).toEqual([
      ['GetAuthorizationToken', 400],
      ['GetAuthorizationToken', 429],
      ['GetAuthorizationToken', 200],
    ]);
  });

  it('cut the connection at once', async () => {
    const { registry, get } = await runWithBlob();
    registry.faults.add({ match: { times: 1 }, action: { kind: 'cut' } });
    await expect(get()).rejects.toThrow('fetch failed');
    expect(registry.requests[0]?.status).toBe(0);
  });

  it('cut an answer after this many bytes', async () => {
    const { registry, get } = await runWithBlob();
    registry.faults.add({ match: { times: 1 }, action: { kind: 'cut', afterBytes: 70_001 } });
    const answer = await get();
    expect(answer.status).toBe(200);
    expect(await received(answer)).toEqual({ bytes: 70_001, ended: false });
    expect(registry.requests[0]?.bytesOut).toBe(70_001);
    expect(await received(await get())).toEqual({ bytes: blob.length, ended: true });
  });

  it('cut an upload after this many bytes', async () => {
    const { registry } = await runWithBlob();
    registry.faults.add({ match: { method: 'PUT', times: 1 }, action: { kind: 'cut', afterBytes: 1000 } });
    const other = seededBytes('other', 100_000);
    const push = () => pushBlob(registry.endpoint, 'a', digestOf(other), other);
    await expect(push()).rejects.toThrow('fetch failed');
    expect(registry.requests.at(-1)).toMatchObject({ method: 'PUT', status: 0, bytesIn: 1000 });
    expect(registry.hasBlob('a', digestOf(other))).toBe(false);
    await push();
    expect(registry.hasBlob('a', digestOf(other))).toBe(true);
  });

  it('slow a body down, and delay an answer', async () => {
    const { registry, get } = await runWithBlob();
    registry.faults.add({
      match: { times: 1 },
      action: { kind: 'slow', bytesPerSecond: 800_000, delayMs: 50 },
    });
    const started = performance.now();
    expect(await received(await get())).toEqual({ bytes: blob.length, ended: true });
    const elapsed = performance.now() - started;
    expect(elapsed).toBeGreaterThan(250);
    expect(elapsed).toBeLessThan(3000);
  });

  it('go silent at once, or in the middle of a body', async () => {
    const { registry, get } = await runWithBlob();
    registry.faults.add({ match: { times: 1 }, action: { kind: 'stall' } });
    await expect(get({ signal: AbortSignal.timeout(150) })).rejects.toThrow('timeout');
    registry.faults.add({ match: { times: 1 }, action: { kind: 'stall', afterBytes: 50_000 } });
    const controller = new AbortController();
    const answer = await get({ signal: controller.signal });
    const body = received(answer);
    while ((registry.requests.at(-1)?.bytesOut ?? 0) < 50_000)
      await new Promise((resolve) => setTimeout(resolve, 5));
    setTimeout(() => controller.abort(), 150);
    expect(await body).toEqual({ bytes: 50_000, ended: false });
  });

  it('change a bit of the answer', async () => {
    const { registry, get } = await runWithBlob();
    registry.faults.add({ match: { times: 1 }, action: { kind: 'corrupt' } });
    const corrupt = Buffer.from(await (await get()).arrayBuffer());
    expect(corrupt.length).toBe(blob.length);
    expect(corrupt[0]).toBe((blob[0] ?? 0) ^ 1);
    expect(corrupt.subarray(1).equals(blob.subarray(1))).toBe(true);
    expect(Buffer.from(await (await get()).arrayBuffer()).equals(blob)).toBe(true);
  });

  it('end with the registry', async () => {
    const { registry, get } = await runWithBlob();
    registry.faults.add({ match: {}, action: { kind: 'stall' } });
    const asked = rejectionOf(get());
    while (registry.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await registry.stop();
    expect((await asked).message).toBe('fetch failed');
  });
});

describe('the request log', () => {
  it('counts bytes in both directions and keeps only the last requests', async () => {
    const registry = await runRegistry({ flavour: 'distribution', requestLogSize: 3 });
    await pushBlob(registry.endpoint, 'a', digest, blob);
    await (await fetch(`${registry.endpoint}/v2/a/blobs/${digest}`)).arrayBuffer();
    expect(registry.requests.map(({ method, bytesIn, bytesOut }) => [method, bytesIn, bytesOut])).toEqual([
      ['POST', 0, 0],
      ['PUT', blob.length, 0],
      ['GET', 0, blob.length],
    ]);
    expect(registry.requests[1]).toMatchObject({ status: 201, authorization: 'none' });
    expect(registry.requests[1]?.query).toContain(`digest=${encodeURIComponent(digest)}`);
  });
});
