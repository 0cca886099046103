import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { about } from '../../../lambda/shared/telemetry.ts';
import { traced, traceOf } from '../../../lambda/shared/trace.ts';

const root = '1-5759e988-bd862e3fe1be46a994272793';
const parent = '53995c3f42cd8ad8';
const sampled = `Root=${root};Parent=${parent};Sampled=1;Lineage=1:a87bd80c:0`;

describe('a traced piece of work', () => {
  let daemon: Socket;
  const received: string[] = [];
  beforeEach(async () => {
    received.length = 0;
    daemon = createSocket('udp4');
    daemon.on('message', (message) => received.push(message.toString()));
    daemon.bind(0, '127.0.0.1');
    await once(daemon, 'listening');
    vi.stubEnv('AWS_XRAY_DAEMON_ADDRESS', `127.0.0.1:${daemon.address().port}`);
    vi.stubEnv('_X_AMZN_TRACE_ID', sampled);
  });
  afterEach(() => {
    daemon.close();
    vi.unstubAllEnvs();
  });

  /** The documents that the daemon got. */
  async function documents(count: number) {
    await vi.waitFor(() => expect(received).toHaveLength(count));
    return received.map((datagram) => {
      const [header = '', document = '', ...more] = datagram.split('\n');
      expect(JSON.parse(header)).toEqual({ format: 'json', version: 1 });
      expect(more).toEqual([]);
      return JSON.parse(document);
    });
  }

  it('is a subsegment of its function, found by what it is about', async () => {
    const keys = { job: 'a', image: 'ghcr.io/acme/shop:1' };
    expect(await about(keys, () => traced('mirror job', async () => 'done'))).toBe('done');
    const [document] = await documents(1);
    expect(document).toMatchObject({
      type: 'subsegment',
      name: 'mirror job',
      trace_id: root,
      parent_id: parent,
      annotations: keys,
    });
    expect(document.id).toMatch(/^[0-9a-f]{16}$/);
    expect(document.end_time).toBeGreaterThanOrEqual(document.start_time);
    expect(document).not.toHaveProperty('fault');
  });

  it('is a fault if it throws, which it still does', async () => {
    const failing = traced('mirror job', async () => {
      throw new Error('broken');
    });
    await expect(failing).rejects.toThrow('broken');
    expect(await documents(1)).toMatchObject([{ fault: true }]);
  });

  it('is just done if the invocation is not sampled, or there is no daemon', async () => {
    for (const [trace, address] of [
      [undefined, '127.0.0.1:2000'],
      [sampled.replace('Sampled=1', 'Sampled=0'), '127.0.0.1:2000'],
      [sampled, undefined],
      [sampled, 'nowhere'],
    ])
      expect(traceOf({ _X_AMZN_TRACE_ID: trace, AWS_XRAY_DAEMON_ADDRESS: address })).toBeUndefined();
    vi.stubEnv('_X_AMZN_TRACE_ID', undefined);
    expect(await traced('mirror job', async () => 'done')).toBe('done');
    expect(received).toEqual([]);
  });

  it('does not fail because the daemon cannot be reached', async () => {
    vi.stubEnv('AWS_XRAY_DAEMON_ADDRESS', 'no-such-host.invalid:2000');
    expect(await traced('mirror job', async () => 'done')).toBe('done');
  });
});
