import type { LookupFunction } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  guardedLookup,
  internalAddress,
  internalTarget,
} from '../../../../core/registry/transport/addresses.ts';

describe('internalAddress', () => {
  it.each([
    ['http://127.0.0.1/', 'loopback'],
    ['http://127.255.0.9:5000/', 'loopback'],
    ['http://localhost/', 'loopback'],
    ['http://LOCALHOST./', 'loopback'],
    ['http://a.localhost/', 'loopback'],
    ['http://0.0.0.0/', 'loopback'],
    ['http://0/', 'loopback'],
    ['http://[::]/', 'loopback'],
    ['http://[::1]/', 'loopback'],
    ['http://[::ffff:127.0.0.1]/', 'loopback'],
    // Other spellings of 127.0.0.1, which URL normalises.
    ['http://2130706433/', 'loopback'],
    ['http://0x7f.1/', 'loopback'],
    ['http://169.254.169.254/', 'link-local'],
    ['http://[::ffff:a9fe:a9fe]/', 'link-local'],
    ['http://[fe80::1]/', 'link-local'],
    ['http://[febf::1]/', 'link-local'],
    ['http://[fd00:ec2::254]/', 'link-local'],
    ['http://10.255.0.1/', 'private'],
    ['http://172.16.0.1/', 'private'],
    ['http://172.31.255.255/', 'private'],
    ['http://192.168.1.1/', 'private'],
    ['http://100.64.0.1/', 'private'],
    ['http://[fc00::1]/', 'private'],
    ['http://[fd12:3456::1]/', 'private'],
    // What a translator or a relay makes of IPv6: NAT64, 6to4, IPv4-compatible, Teredo.
    ['http://[64:ff9b::169.254.169.254]/', 'link-local'],
    ['http://[64:ff9b::7f00:1]/', 'loopback'],
    ['http://[64:ff9b::10.0.0.1]/', 'private'],
    ['http://[64:ff9b::8.8.8.8]/', 'private'],
    ['http://[64:ff9b:1::169.254.169.254]/', 'link-local'],
    ['http://[2002:7f00:1::]/', 'loopback'],
    ['http://[2002:a9fe:a9fe::1]/', 'link-local'],
    ['http://[2002:808:808::1]/', 'private'],
    ['http://[::169.254.169.254]/', 'link-local'],
    ['http://[::8.8.8.8]/', 'private'],
    ['http://[2001:0:1::5601:5601]/', 'link-local'],
    ['http://[64:ff9a::1]/', undefined],
    ['http://[2003::1]/', undefined],
    ['http://[2001:db8::1]/', undefined],
    ['http://172.32.0.1/', undefined],
    ['http://100.128.0.1/', undefined],
    ['http://169.253.0.1/', undefined],
    ['http://8.8.8.8/', undefined],
    ['http://[2606:4700::1]/', undefined],
    ['http://[fec0::1]/', undefined],
    ['http://localhost.example/', undefined],
    ['http://127.0.0.1.example/', undefined],
    ['http://ghcr.io/', undefined],
  ])('of %s is %s', (url, kind) => expect(internalAddress(new URL(url).hostname)).toBe(kind));
});

describe('internalTarget', () => {
  it.each([
    ['https://ghcr.io', 'http://169.254.169.254/x', 'a link-local address, 169.254.169.254'],
    ['https://ghcr.io', 'http://localhost:9001/', 'a loopback address, localhost:9001'],
    ['https://ghcr.io', 'https://cdn.example/', undefined],
    ['http://127.0.0.1:5000', 'http://localhost:5001/', undefined],
    ['http://127.0.0.1:5000', 'http://10.0.0.1/', 'a private address, 10.0.0.1'],
    ['http://10.0.0.1', 'http://192.168.0.1/', undefined],
    ['http://10.0.0.1', 'http://169.254.169.254/', 'a link-local address, 169.254.169.254'],
    ['http://169.254.1.1:5000', 'http://169.254.1.1:5001/', undefined],
    ['http://169.254.1.1:5000', 'http://169.254.169.254/', 'a link-local address, 169.254.169.254'],
    ['http://[fd12::1]', 'http://[fd00:ec2::254]/', 'a link-local address, [fd00:ec2::254]'],
  ])('of a registry at %s to %s: %s', (endpoint, url, reason) => {
    expect(internalTarget(new URL(url), new URL(endpoint))).toBe(reason);
  });
});

describe('guardedLookup', () => {
  /**
   * Resolves a name that has these addresses, both as undici does (all of them) and as node does
   * otherwise (the first).
   */
  const resolve = async (
    endpoint: string,
    addresses: string[],
    trusted: string[] = [],
    { all = true, inFunction = false } = {},
  ) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const names: LookupFunction = (_hostname, options, callback) =>
      options.all ? callback(null, found) : callback(null, found[0]?.address ?? '', found[0]?.family);
    const lookup = guardedLookup(new URL(endpoint), trusted, { lookup: names, inFunction });
    return await new Promise((done, fail) =>
      lookup('cdn.example', { all }, (error, address) => (error ? fail(error) : done(address))),
    );
  };

  it.each(['127.0.0.1', '::1', '0.0.0.0', '169.254.169.254', 'fd00:ec2::254', '::ffff:127.0.0.1'])(
    'refuses a name at %s, even among others',
    async (address) => {
      for (const all of [true, false]) {
        await expect(resolve('https://ghcr.io', [address], [], { all })).rejects.toMatchObject({
          code: 'ADDRESS_REFUSED',
          message: expect.stringContaining(`cdn.example is at a`),
        });
      }
      await expect(resolve('https://ghcr.io', ['8.8.8.8', address])).rejects.toMatchObject({
        code: 'ADDRESS_REFUSED',
      });
    },
  );

  it.each([
    ['at public and private addresses', 'https://ghcr.io', ['8.8.8.8', '10.0.0.1'], []],
    ['that is the endpoint’s', 'https://cdn.example:5000', ['127.0.0.1'], []],
    ['that the configuration trusts', 'https://ghcr.io', ['127.0.0.1'], ['cdn.example']],
    ['at a kind of address that the endpoint has', 'http://localhost:5000', ['127.0.0.1'], []],
  ])('resolves a name %s', async (_, endpoint, addresses, trusted) => {
    const found = (await resolve(endpoint, addresses, trusted)) as { address: string }[];
    expect(found.map(({ address }) => address)).toEqual(addresses);
  });

  it.each(['169.254.169.254', 'fd00:ec2::254', 'fe80::1', '::ffff:169.254.170.2', '64:ff9b::a9fe:a9fe'])(
    'refuses any name at %s, also the endpoint’s own, one that is trusted, and a neighbour’s',
    async (address) => {
      const refused = { code: 'ADDRESS_REFUSED', message: expect.stringContaining('a link-local address') };
      await expect(resolve('https://cdn.example', [address])).rejects.toMatchObject(refused);
      await expect(resolve('https://ghcr.io', ['10.0.0.1', address], ['cdn.example'])).rejects.toMatchObject(
        refused,
      );
      await expect(resolve('http://169.254.1.1', [address])).rejects.toMatchObject(refused);
    },
  );

  describe('in a function', () => {
    const inFunction = true;
    it.each(['127.0.0.1', '::1', '0.0.0.0', '::ffff:127.0.0.1'])(
      'refuses any name at %s: the runtime API is there',
      async (address) => {
        const refused = { code: 'ADDRESS_REFUSED', message: expect.stringContaining('a loopback address') };
        for (const [endpoint, trusted] of [
          ['https://cdn.example', []],
          ['https://ghcr.io', ['cdn.example']],
          ['http://127.0.0.1:5000', []],
        ] as const)
          await expect(resolve(endpoint, [address], [...trusted], { inFunction })).rejects.toMatchObject(
            refused,
          );
      },
    );

    it('resolves names at private addresses', async () => {
      const found = await resolve('https://cdn.example', ['10.0.0.1', 'fd12::1'], [], { inFunction });
      expect(found).toHaveLength(2);
    });
  });

  it('passes on that the name does not exist', async () => {
    const none: LookupFunction = (_hostname, _options, callback) =>
      callback(Object.assign(new Error('x'), { code: 'ENOTFOUND' }), '');
    const lookup = guardedLookup(new URL('https://ghcr.io'), [], { lookup: none });
    const failed = new Promise((_, fail) => lookup('a.example', {}, (error) => fail(error)));
    await expect(failed).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });
});
