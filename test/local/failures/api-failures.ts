import { presentedWebhooks } from '../../support/webhooks-api.ts';
import type { Failure, Scene } from './scene.ts';
import { type Answer, closedPort, serve, serveSockets, serveTls } from './servers.ts';

/** An address of the API whose port is shown as `API`. */
function api(scene: Scene, { host }: { host: string }, scheme = 'http'): string {
  scene.name(host.slice(host.lastIndexOf(':')), ':API');
  return `${scheme}://${host}`;
}

/** `drayage webhooks list` against an API with this answer. */
function listing(answer: () => Answer, env?: Record<string, string>): Failure[1] {
  return async (scene) => {
    const server = scene.use(await serve(answer));
    return scene.run(['webhooks', 'list', '--api', api(scene, server)], env && { env });
  };
}

/** An API’s error. */
function refused(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message } } };
}

const page = { headers: { 'content-type': 'text/html' }, body: '<html><h1>Welcome</h1></html>' };

/** Commands that talk to the API of a deployment. */
export const apiFailures: Failure[] = [
  ['nobody said where the API is', (scene) => scene.run(['webhooks', 'list'])],
  ['what was said is not an address', (scene) => scene.run(['webhooks', 'list', '--api', 'api.example'])],
  [
    'the API’s name does not resolve',
    (scene) => scene.run(['webhooks', 'list', '--api', 'https://no-such-host.invalid']),
  ],
  [
    'no API at this port',
    async (scene) => scene.run(['webhooks', 'list', '--api', api(scene, { host: await closedPort() })]),
  ],
  [
    'no API at any of localhost’s addresses',
    async (scene) => {
      const host = (await closedPort()).replace('127.0.0.1', 'localhost');
      return scene.run(['webhooks', 'test', 'github', '--api', api(scene, { host })]);
    },
  ],
  [
    'an API that does not answer',
    async (scene) => {
      const silent = scene.use(await serveSockets(() => {}));
      return scene.run(['webhooks', 'list', '--api', api(scene, silent)]);
    },
  ],
  [
    'HTTPS to an API that speaks plain HTTP',
    async (scene) => {
      const server = scene.use(await serve(() => ({ status: 200 })));
      return scene.run(['webhooks', 'list', '--api', api(scene, server, 'https')]);
    },
  ],
  [
    'plain HTTP to an API that speaks HTTPS',
    async (scene) => {
      const server = scene.use(await serveTls(() => ({ status: 200 })));
      return scene.run(['webhooks', 'list', '--api', api(scene, server)]);
    },
  ],
  [
    'an API with a self-signed certificate',
    async (scene) => {
      const server = scene.use(await serveTls(() => ({ status: 200 })));
      return scene.run(['webhooks', 'list', '--api', api(scene, server, 'https')]);
    },
  ],
  ['no token', listing(() => refused(401, 'unauthorized', 'a token is needed'))],
  [
    'a wrong token',
    listing(() => refused(401, 'unauthorized', 'the token is not valid'), { DRAYAGE_TOKEN: 'wrong-token' }),
  ],
  [
    'a wrong token, given as an option',
    async (scene) => {
      const server = scene.use(await serve(() => refused(401, 'unauthorized', 'the token is not valid')));
      return scene.run(['webhooks', 'list', '--api', api(scene, server), '--token', 'wrong-token']);
    },
  ],
  [
    'no webhook at all',
    async (scene) => {
      const server = scene.use(await serve(() => ({ status: 200, body: { webhooks: [] } })));
      return scene.run(['webhooks', 'test', 'hub', '--api', api(scene, server)]);
    },
  ],
  [
    'the reader’s token where the operator’s is needed',
    async (scene) => {
      const server = scene.use(
        await serve(() => refused(403, 'forbidden', 'this takes the operator’s token')),
      );
      return scene.run(['webhooks', 'rotate', 'github', '--api', api(scene, server)], {
        env: { DRAYAGE_TOKEN: 'reader-token' },
      });
    },
  ],
  ['a server that has no such path', listing(() => ({ status: 404, ...page }))],
  ['a server that answers with a page', listing(() => ({ status: 200, ...page }))],
  ['a server that answers with other JSON', listing(() => ({ status: 200, body: { status: 'ok' } }))],
  [
    'a server that redirects to a login page',
    listing(() => ({ status: 302, headers: { location: 'https://login.example/' } })),
  ],
  ['an API that has trouble', listing(() => ({ status: 503, body: { message: 'Service Unavailable' } }))],
  [
    'no webhook of that name',
    async (scene) => {
      const server = scene.use(
        await serve(() => ({ status: 200, body: { webhooks: presentedWebhooks('https://x.example') } })),
      );
      return scene.run(['webhooks', 'test', 'gihub', '--api', api(scene, server)]);
    },
  ],
];
