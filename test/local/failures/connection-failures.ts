import type { Socket } from 'node:net';
import { startRegistry } from '../../../local/ecr/server.ts';
import type { Failure, Scene } from './scene.ts';
import { type Answer, closedPort, serve, serveSockets, serveTls } from './servers.ts';
import { sourceWithImage } from './source.ts';

const nobody = 'no-such-host.invalid'; // RFC 6761, 6.4: it never exists
const day = 24 * 3_600_000;
const found = (): Answer => ({ status: 200 });

/** A destination that would accept everything. */
async function destination(scene: Scene): Promise<string> {
  const registry = scene.use(await startRegistry({ flavour: 'distribution' }));
  scene.name(registry.host, '127.0.0.1:DST');
  return `${registry.host}/app:1`;
}

/** The names of a server that plays the source, and of the image that is requested from it. */
function source(scene: Scene, { host }: { host: string }): string {
  scene.name(host.slice(host.lastIndexOf(':')), ':SRC');
  return `${host}/app:1`;
}

/**
 * What Go’s server answers to HTTP on a port for TLS:
 * https://github.com/golang/go/blob/go1.24.0/src/net/http/server.go#L1963
 */
function answerAsGo(socket: Socket): void {
  socket.once('data', () =>
    socket.end('HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n'),
  );
}

/** No connection, or none that is usable. */
export const connectionFailures: Failure[] = [
  [
    'the source’s name does not resolve',
    async (scene) => scene.run(['copy', `${nobody}/app:1`, await destination(scene), '--dst-plain-http']),
  ],
  [
    'the destination’s name does not resolve',
    async (scene) => {
      const from = await sourceWithImage(scene);
      return scene.run(['copy', `${from}/app:1`, `${nobody}/app:1`, '--src-plain-http']);
    },
  ],
  [
    'nothing is listening at the source’s port',
    async (scene) =>
      scene.run([
        'copy',
        source(scene, { host: await closedPort() }),
        await destination(scene),
        '--plain-http',
      ]),
  ],
  [
    'nothing is listening at any of localhost’s addresses',
    async (scene) => {
      const host = (await closedPort()).replace('127.0.0.1', 'localhost');
      return scene.run(['copy', source(scene, { host }), await destination(scene), '--plain-http', '--json']);
    },
  ],
  [
    'nothing is listening at the destination’s port',
    async (scene) => {
      const from = await sourceWithImage(scene);
      const host = await closedPort();
      scene.name(host, '127.0.0.1:DST');
      return scene.run(['copy', `${from}/app:1`, `${host}/app:1`, '--plain-http']);
    },
  ],
  [
    'the connection is not established in time',
    async (scene) => {
      // It accepts the connection and says nothing: no TLS, and so no usable connection.
      const silent = scene.use(await serveSockets(() => {}));
      return scene.run(['copy', source(scene, silent), await destination(scene), '--dst-plain-http']);
    },
  ],
  [
    'the answer does not begin in time',
    async (scene) => {
      const silent = scene.use(await serveSockets(() => {}));
      const args = [
        'copy',
        source(scene, silent),
        await destination(scene),
        '--plain-http',
        '--timeout',
        '1s',
      ];
      return scene.run(args);
    },
  ],
  [
    'the connection is closed without an answer',
    async (scene) => {
      const closing = scene.use(await serveSockets((socket) => socket.once('data', () => socket.destroy())));
      return scene.run(['copy', source(scene, closing), await destination(scene), '--plain-http']);
    },
  ],
  [
    'a self-signed certificate',
    async (scene) => {
      const server = scene.use(await serveTls(found));
      return scene.run(['copy', source(scene, server), await destination(scene), '--dst-plain-http']);
    },
  ],
  [
    'a self-signed certificate of the destination',
    async (scene) => {
      const from = await sourceWithImage(scene);
      const server = scene.use(await serveTls(found));
      scene.name(server.host, '127.0.0.1:DST');
      return scene.run(['copy', `${from}/app:1`, `${server.host}/app:1`, '--src-plain-http']);
    },
  ],
  [
    'a certificate that has expired',
    async (scene) => {
      const times = { notBefore: new Date(Date.UTC(2024, 0, 1)), notAfter: new Date(Date.UTC(2024, 11, 31)) };
      const server = scene.use(await serveTls(found, times));
      scene.write('ca.pem', server.certificate);
      const args = ['copy', source(scene, server), await destination(scene), '--dst-plain-http'];
      return scene.run([...args, '--ca-file', 'ca.pem']);
    },
  ],
  [
    'a certificate that is not valid yet',
    async (scene) => {
      const times = { notBefore: new Date(Date.now() + day), notAfter: new Date(Date.now() + 2 * day) };
      const server = scene.use(await serveTls(found, times));
      scene.write('ca.pem', server.certificate);
      const args = ['copy', source(scene, server), await destination(scene), '--dst-plain-http'];
      return scene.run([...args, '--ca-file', 'ca.pem']);
    },
  ],
  [
    'a certificate for another host',
    async (scene) => {
      const server = scene.use(await serveTls(found, { only: 'registry.example' }));
      scene.write('ca.pem', server.certificate);
      const args = ['copy', source(scene, server), await destination(scene), '--dst-plain-http'];
      return scene.run([...args, '--ca-file', 'ca.pem']);
    },
  ],
  [
    'HTTPS to a registry that speaks plain HTTP',
    async (scene) => {
      const server = scene.use(await serve(found));
      return scene.run(['copy', source(scene, server), await destination(scene), '--dst-plain-http']);
    },
  ],
  [
    'plain HTTP on a port for HTTPS: a server that hangs up',
    async (scene) => {
      const server = scene.use(await serveTls(found));
      return scene.run(['copy', source(scene, server), await destination(scene), '--plain-http']);
    },
  ],
  [
    'plain HTTP on a port for HTTPS: a server that says so',
    async (scene) => {
      const server = scene.use(await serveSockets(answerAsGo));
      return scene.run(['copy', source(scene, server), await destination(scene), '--plain-http']);
    },
  ],
  [
    'a port that does not speak HTTP',
    async (scene) => {
      const server = scene.use(await serveSockets((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')));
      return scene.run(['copy', source(scene, server), await destination(scene), '--plain-http']);
    },
  ],
  [
    'a proxy that nobody runs',
    async (scene) => {
      const proxy = await closedPort();
      scene.name(proxy, '127.0.0.1:PROXY');
      const args = ['copy', 'registry.example/app:1', await destination(scene), '--dst-plain-http'];
      return scene.run(args, { env: { HTTPS_PROXY: `http://${proxy}` } });
    },
  ],
  [
    'a proxy that wants a login',
    async (scene) => {
      const proxy = scene.use(
        await serveSockets((socket) =>
          socket.once('data', () => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')),
        ),
      );
      scene.name(proxy.host, '127.0.0.1:PROXY');
      const args = ['copy', 'registry.example/app:1', await destination(scene), '--dst-plain-http'];
      return scene.run(args, { env: { HTTPS_PROXY: `http://${proxy.host}` } });
    },
  ],
  [
    'a proxy that does not reach the registry',
    async (scene) => {
      const proxy = scene.use(
        await serveSockets((socket) =>
          socket.once('data', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')),
        ),
      );
      scene.name(proxy.host, '127.0.0.1:PROXY');
      const args = ['copy', 'registry.example/app:1', await destination(scene), '--dst-plain-http'];
      return scene.run(args, { env: { HTTPS_PROXY: `http://${proxy.host}` } });
    },
  ],
  [
    'a proxy that is not an address',
    async (scene) => {
      const args = ['copy', 'registry.example/app:1', await destination(scene), '--dst-plain-http'];
      return scene.run(args, { env: { HTTPS_PROXY: 'ftp://proxy.example' } });
    },
  ],
  [
    'a missing file of certificate authorities',
    async (scene) =>
      scene.run(['copy', 'registry.example/app:1', await destination(scene), '--ca-file', 'ca.pem']),
  ],
];
