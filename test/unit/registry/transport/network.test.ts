import { connect } from 'node:net';
import { request } from 'undici';
import { expect, it } from 'vitest';

// What test/support/block-network.ts promises all unit tests.
it('lets no unit test open a connection', async () => {
  expect(() => connect(9, '127.0.0.1')).toThrow(/unit tests may not use the network.*127\.0\.0\.1:9/);
  await expect(request('http://127.0.0.1:9/')).rejects.toThrow(/unit tests may not use the network/);
  await expect(fetch('http://127.0.0.1:4999/')).rejects.toMatchObject({
    cause: expect.objectContaining({ name: 'NetworkBlockedError' }),
  });
});
