import { startRegistry } from '../../../local/ecr/server.ts';
import { encoded } from '../../support/login-folder.ts';
import type { Failure, Scene } from './scene.ts';
import { type Answer, errorAnswer, serve } from './servers.ts';
import { sourceWithImage } from './source.ts';

const credentials = { username: 'jo', password: 'correct-horse-battery' };
type Started = Parameters<typeof startRegistry>[0];

/** An embedded registry. @returns its host */
async function registry(scene: Scene, name: string, options: Partial<Started> = {}): Promise<string> {
  const started = scene.use(await startRegistry({ flavour: 'distribution', ...options }));
  scene.name(started.host, `127.0.0.1:${name}`);
  return started.host;
}

/** A source with the given answer. */
async function answering(scene: Scene, answer: () => Answer): Promise<string> {
  const server = scene.use(await serve(answer));
  scene.name(server.host, '127.0.0.1:SRC');
  return server.host;
}

/** A source that answers every request in the same way, and a copy from it. */
function refusing(answer: () => Answer, more: string[] = []): Failure[1] {
  return async (scene) => {
    const from = await answering(scene, answer);
    const to = await registry(scene, 'DST');
    return scene.run(['copy', `${from}/app:1`, `${to}/app:1`, '--plain-http', ...more]);
  };
}

function loginFile(scene: Scene, host: string, password: string): void {
  scene.write('.docker/config.json', {
    auths: { [host]: { auth: encoded(credentials.username, password) } },
  });
}

const html: Answer = {
  status: 404,
  headers: { 'content-type': 'text/html' },
  body: '<html><title>404 Not Found</title><h1>Not Found</h1></html>',
};

/** A registry answers, but not as hoped. */
export const registryFailures: Failure[] = [
  [
    'the source wants a login, and there is none',
    async (scene) => {
      const from = await registry(scene, 'SRC', { credentials });
      const to = await registry(scene, 'DST');
      return scene.run(['copy', `${from}/app:1`, `${to}/app:1`, '--plain-http']);
    },
  ],
  [
    'the source’s token service gives no token without a login',
    async (scene) => {
      const from = await registry(scene, 'SRC', { credentials, tokens: { anonymous: 'none' } });
      const to = await registry(scene, 'DST');
      return scene.run(['copy', `${from}/app:1`, `${to}/app:1`, '--plain-http']);
    },
  ],
  [
    'the source does not accept the login',
    async (scene) => {
      const from = await registry(scene, 'SRC', { credentials });
      const to = await registry(scene, 'DST');
      loginFile(scene, from, 'wrong-password');
      return scene.run(['copy', `${from}/app:1`, `${to}/app:1`, '--plain-http']);
    },
  ],
  [
    'the source’s token service does not accept the login',
    async (scene) => {
      const from = await registry(scene, 'SRC', { credentials, tokens: { anonymous: 'none' } });
      const to = await registry(scene, 'DST');
      loginFile(scene, from, 'wrong-password');
      return scene.run(['copy', `${from}/app:1`, `${to}/app:1`, '--plain-http', '--json']);
    },
  ],
  [
    'the destination wants a login, and there is none',
    async (scene) => {
      const from = await sourceWithImage(scene);
      const to = await registry(scene, 'DST', { credentials });
      return scene.run(['copy', `${from}/app:1`, `${to}/app:1`, '--plain-http', '--events']);
    },
  ],
  [
    'the destination does not accept the login',
    async (scene) => {
      const from = await sourceWithImage(scene);
      const to = await registry(scene, 'DST', { credentials, tokens: { anonymous: 'pull' } });
      loginFile(scene, to, 'wrong-password');
      return scene.run(['copy', `${from}/app:1`, `${to}/app:1`, '--plain-http']);
    },
  ],
  [
    'the source forbids it',
    refusing(() => errorAnswer(403, 'DENIED', 'requested access to the resource is denied')),
  ],
  [
    'something before the source forbids it',
    refusing(() => ({ ...html, status: 403, body: '<html><title>Blocked by policy</title></html>' })),
  ],
  [
    'the destination forbids it',
    async (scene) => {
      const from = await sourceWithImage(scene);
      const server = scene.use(
        await serve(({ method }) =>
          method === 'HEAD' || method === 'GET'
            ? errorAnswer(404, 'NAME_UNKNOWN', 'repository name not known to registry')
            : errorAnswer(403, 'DENIED', 'requested access to the resource is denied'),
        ),
      );
      scene.name(server.host, '127.0.0.1:DST');
      return scene.run(['copy', `${from}/app:1`, `${server.host}/app:1`, '--plain-http']);
    },
  ],
  [
    'no such repository',
    async (scene) => {
      const [from, to] = [await sourceWithImage(scene), await registry(scene, 'DST')];
      return scene.run(['copy', `${from}/ap:1`, `${to}/app:1`, '--plain-http']);
    },
  ],
  [
    'no such repository, and all tags are requested',
    async (scene) => {
      const [from, to] = [await sourceWithImage(scene), await registry(scene, 'DST')];
      return scene.run(['copy', '--all-tags', `${from}/ap`, `${to}/app`, '--plain-http']);
    },
  ],
  [
    'no such tag',
    async (scene) => {
      const [from, to] = [await sourceWithImage(scene), await registry(scene, 'DST')];
      return scene.run(['copy', `${from}/app:2`, `${to}/app:2`, '--plain-http']);
    },
  ],
  [
    'no such digest',
    async (scene) => {
      const [from, to] = [await sourceWithImage(scene), await registry(scene, 'DST')];
      return scene.run(['copy', `${from}/app@sha256:${'0'.repeat(64)}`, `${to}/app:2`, '--plain-http']);
    },
  ],
  [
    'no such repository at the destination, which is ECR',
    async (scene) => {
      const from = await sourceWithImage(scene);
      const to = await registry(scene, 'DST', { flavour: 'ecr', password: credentials.password });
      scene.write('.docker/config.json', { auths: { [to]: { auth: encoded('AWS', credentials.password) } } });
      const args = ['copy', `${from}/app:1`, `${to}/app:1`, '--plain-http'];
      return scene.run(args, { env: { AWS_ENDPOINT_URL_ECR: `http://${to}` } });
    },
  ],
  [
    'the destination is ECR, and nobody has credentials',
    async (scene) => {
      const from = await sourceWithImage(scene);
      const to = await registry(scene, 'DST', { flavour: 'ecr' });
      const args = ['copy', `${from}/app:1`, `${to}/app:1`, '--plain-http'];
      return scene.run(args, { env: { AWS_ENDPOINT_URL_ECR: `http://${to}`, AWS_REGION: 'eu-west-1' } });
    },
  ],
  [
    'what is not a reference',
    (scene) => scene.run(['copy', 'registry.example/App:1', 'registry.example/copy:1']),
  ],
  ['a web server that is not a registry', refusing(() => html)],
  ['a web server that answers everything', refusing(() => ({ ...html, status: 200 }))],
  [
    'a rate limit that says when it ends',
    refusing(() =>
      errorAnswer(429, 'TOOMANYREQUESTS', 'You have reached your pull rate limit.', {
        'retry-after': '3600',
      }),
    ),
  ],
  [
    'a rate limit that does not say when it ends',
    refusing(() => errorAnswer(429, 'TOOMANYREQUESTS', 'You have reached your pull rate limit.')),
  ],
  ['a registry that has trouble', refusing(() => ({ status: 503 }))],
  [
    'a helper that is not installed',
    async (scene) => {
      const from = await registry(scene, 'SRC', { credentials });
      const to = await registry(scene, 'DST');
      scene.write('.docker/config.json', { credsStore: 'desktop' });
      return scene.run(['copy', `${from}/app:1`, `${to}/app:1`, '--plain-http']);
    },
  ],
];
