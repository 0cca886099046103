import { type EmbeddedRegistry, startRegistry } from '../../../local/ecr/server.ts';
import { pushImage, seededImage } from '../../support/seeded-image.ts';
import type { Failure, Scene } from './scene.ts';

/** A registry with one image. */
async function source(scene: Scene): Promise<EmbeddedRegistry> {
  const started = scene.use(await startRegistry({ flavour: 'distribution' }));
  scene.name(started.host, '127.0.0.1:SRC');
  await pushImage(started.endpoint, 'team/app', '1', seededImage({ seed: 'sync', layers: [{ size: 900 }] }));
  return started;
}

/** Runs `drayage sync` by a configuration with these upstreams. */
async function sync(scene: Scene, upstreams: object[], args: string[] = []): Promise<string> {
  const to = scene.use(await startRegistry({ flavour: 'distribution' }));
  scene.name(to.host, '127.0.0.1:DST');
  configure(scene, upstreams);
  return await scene.run(['sync', '--to', `${to.host}/copies`, '--dst-plain-http', ...args]);
}

function configure(scene: Scene, upstreams: object[]): void {
  scene.write('mirror.yaml', { version: 1, mirror: { regions: ['eu-west-1'] }, upstreams });
}

const app = { match: 'team/app' };
/** Nobody has the other half. */
const signingKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
`;

/** What the rules of mirror.yaml name cannot be copied. */
export const syncFailures: Failure[] = [
  [
    'a pattern, and the registry lists no repositories',
    async (scene) => {
      const { host, endpoint, faults } = await source(scene);
      faults.add({ match: { path: '/v2/_catalog' }, action: { kind: 'status', status: 401 } });
      return sync(scene, [{ registry: host, endpoint, repositories: [app, { match: 'team/*' }] }]);
    },
  ],
  [
    'a rule that selects no tag, and a repository that does not exist',
    async (scene) => {
      const { host, endpoint } = await source(scene);
      const none = { ...app, tags: { include: ['2.*'] } };
      return sync(scene, [{ registry: host, endpoint, repositories: [none, { match: 'team/db' }] }]);
    },
  ],
  [
    'an upstream that is not there',
    async (scene) => {
      const closed = await startRegistry({ flavour: 'distribution' });
      await closed.stop();
      scene.name(closed.host, '127.0.0.1:SRC');
      return sync(scene, [{ registry: closed.host, repositories: [app] }]);
    },
  ],
  [
    'an image that is not signed as its rule asks',
    async (scene) => {
      const { host, endpoint } = await source(scene);
      const verify = { cosign: { key: signingKey } };
      return sync(scene, [{ registry: host, endpoint, repositories: [{ ...app, verify }] }]);
    },
  ],
  [
    'what rules require of images, and what only the pipeline can check',
    async (scene) => {
      const { host, endpoint } = await source(scene);
      const repositories = [
        { ...app, require: { maxBytes: '1kB' } },
        { match: 'team/aged', require: { age: '24h' } },
      ];
      await pushImage(endpoint, 'team/aged', '1', seededImage({ seed: 'aged', layers: [{ size: 900 }] }));
      return sync(scene, [{ registry: host, endpoint, repositories }]);
    },
  ],
  [
    'secrets without the one that the configuration names',
    (scene) => {
      scene.write('secrets.json', { other: { username: 'jo', password: 'correct-horse-battery' } });
      const upstream = { registry: 'ghcr.io', credentials: { secret: 'drayage/ghcr' }, repositories: [app] };
      return sync(scene, [upstream], ['--secrets', 'secrets.json']);
    },
  ],
  [
    'a mapping file that is something else',
    (scene) => {
      scene.write('package.json', { name: 'app' });
      return sync(scene, [{ registry: 'ghcr.io', repositories: [app] }], ['--mapping', 'package.json']);
    },
  ],
  [
    'no destination, and no AWS credentials to find one',
    (scene) => {
      configure(scene, [{ registry: 'ghcr.io', repositories: [app] }]);
      return scene.run(['sync']);
    },
  ],
  [
    'a destination that is not a registry’s name',
    (scene) => scene.run(['sync', '--to', 'https://registry.example/mirror']),
  ],
];
