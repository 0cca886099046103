import type { LookupFunction } from 'node:net';
import { expect, it } from 'vitest';
import { connectionProblem } from '../../../core/registry/connection-problem.ts';
import { createConnections } from '../../../core/registry/transport/dispatcher.ts';
import { defaultTimeouts } from '../../../core/registry/transport/transport.ts';
import { freePort } from '../../support/docker-registry.ts';

it('an error about a host with several addresses says which of them were tried', async () => {
  const lookup: LookupFunction = (_, __, done) =>
    done(null, [
      { address: '127.0.0.2', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]);
  const connections = createConnections(defaultTimeouts, lookup);
  const url = new URL(`http://registry.example:${await freePort()}/v2/`);
  const error = await connections
    .dispatcherFor(url)
    .request({ origin: url.origin, path: url.pathname, method: 'GET' })
    .then(
      () => expect.unreachable('nobody listens there'),
      (reason: unknown) => reason,
    );
  await connections.destroy();
  expect(error).toBeInstanceOf(AggregateError);
  expect(connectionProblem(error, url)).toMatchObject({
    kind: 'refused',
    reason: `the connection to ${url.host} was refused (tried 127.0.0.2, 127.0.0.1), ECONNREFUSED`,
  });
});
