import type { LookupFunction } from 'node:net';
import { Agent } from 'undici';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { guardedLookup } from '../../../../core/registry/transport/addresses.ts';
import { proxyConnections } from '../../../../core/registry/transport/proxy-connections.ts';
import { defaultTimeouts } from '../../../../core/registry/transport/transport.ts';

const endpoint = new URL('https://registry.example');
const resolving =
  (addresses: Record<string, string>): LookupFunction =>
  (name, _options, done) => {
    const address = addresses[name];
    if (address === undefined) return done(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []);
    if (address !== 'never') done(null, [{ address, family: 4 }]);
  };
const through = (addresses: Record<string, string>) =>
  proxyConnections(
    { https: 'http://proxy.example:3128' },
    {
      direct: new Agent(),
      timeouts: defaultTimeouts,
      guard: guardedLookup(endpoint, [], { lookup: resolving(addresses) }),
    },
  );

describe('the guard of connections through a proxy', () => {
  afterEach(() => vi.useRealTimers());

  it.each([
    ['this machine', '127.0.0.1'],
    ['the metadata', '169.254.169.254'],
  ])('refuses a name that leads to %s', async (_, address) => {
    const { check } = through({ 'evil.example': address });
    await expect(check?.(new URL('https://evil.example/x'))).rejects.toMatchObject({
      code: 'ADDRESS_REFUSED',
    });
  });

  it.each([
    ['a public address', '203.0.113.1'],
    ['a private one', '10.0.0.1'],
  ])('lets a name pass that leads to %s', async (_, address) => {
    await through({ 'cdn.example': address }).check?.(new URL('https://cdn.example/x'));
  });

  it('leaves a name to the proxy if it cannot be resolved here, at once or ever', async () => {
    vi.useFakeTimers();
    const { check } = through({ 'slow.example': 'never' });
    await check?.(new URL('https://unknown.example/'));
    const slow = check?.(new URL('https://slow.example/'));
    await vi.advanceTimersByTimeAsync(1_000);
    await slow;
  });
});

it('https goes without a proxy if only http has one', () => {
  const direct = new Agent();
  const connections = proxyConnections(
    { http: 'http://p.example' },
    { direct, timeouts: defaultTimeouts, guard: resolving({}) },
  );
  expect(connections.dispatcherFor(new URL('https://a.example'))).toBe(direct);
  expect(connections.dispatcherFor(new URL('http://a.example'))).not.toBe(direct);
});
