import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { openDataDirectory } from '../../../local/data-directory.ts';
import type { Ready } from '../../../local/stack.ts';
import { validConfiguration } from './file-failures.ts';
import type { Failure } from './scene.ts';
import { closedPort, serveSockets } from './servers.ts';
import { sourceWithImage } from './source.ts';

/** A configuration that mirrors everything of a registry. */
const configurationFor = (host: string) =>
  `version: 1
mirror: { regions: [eu-west-1] }
upstreams: [{ registry: "${host}", endpoint: "http://${host}", repositories: [{ match: "**" }] }]
`;

/** What keeps `drayage local` from starting, or ends it. */
export const localFailures: Failure[] = [
  [
    'the port is in use',
    async (scene) => {
      scene.write('mirror.yaml', validConfiguration);
      const { host } = scene.use(await serveSockets(() => {}));
      const port = host.slice(host.lastIndexOf(':') + 1);
      scene.name(port, 'PORT');
      return scene.run(['local', '--port', port]);
    },
  ],
  ['what is not a port', (scene) => scene.run(['local', '--port', '123456'])],
  [
    'the data folder is in use',
    async (scene) => {
      scene.write('mirror.yaml', validConfiguration);
      const { release } = await openDataDirectory(join(scene.folder, 'data'));
      try {
        return await scene.run(['local', '--data', 'data']);
      } finally {
        release();
      }
    },
  ],
  [
    'the data folder may not be written',
    (scene) => {
      scene.write('mirror.yaml', validConfiguration);
      mkdirSync(join(scene.folder, 'data'), { mode: 0o555 });
      return scene.run(['local', '--data', 'data'], { unprivileged: true });
    },
  ],
  [
    'the data folder cannot be created',
    (scene) => {
      scene.write('mirror.yaml', validConfiguration);
      chmodSync(scene.folder, 0o555);
      return scene.run(['local', '--data', 'data'], { unprivileged: true });
    },
  ],
  [
    'the data folder is a file',
    (scene) => {
      scene.write('mirror.yaml', validConfiguration);
      return scene.run(['local', '--data', 'mirror.yaml']);
    },
  ],
  [
    'a part of the data folder may not be read',
    async (scene) => {
      scene.write('mirror.yaml', validConfiguration);
      chmodSync(scene.write('data/secrets.json', '{}'), 0o000);
      return scene.run(['local', '--data', 'data'], { unprivileged: true });
    },
  ],
  [
    'a folder of the registry’s data may not be written',
    async (scene) => {
      scene.write('mirror.yaml', validConfiguration);
      mkdirSync(join(scene.folder, 'data'));
      mkdirSync(join(scene.folder, 'data/registry'), { mode: 0o555 });
      return scene.run(['local', '--data', 'data'], { unprivileged: true });
    },
  ],
  [
    'the folder of the table may not be written',
    async (scene) => {
      scene.write('mirror.yaml', validConfiguration);
      mkdirSync(join(scene.folder, 'data'));
      mkdirSync(join(scene.folder, 'data/table'), { mode: 0o555 });
      return scene.run(['local', '--data', 'data'], { unprivileged: true });
    },
  ],
  [
    'the secrets of the data folder are damaged',
    (scene) => {
      scene.write('mirror.yaml', validConfiguration);
      scene.write('data/secrets.json', '{"webhookRoot":');
      return scene.run(['local', '--data', 'data']);
    },
  ],
  [
    'the disk of the data folder is full',
    (scene) => {
      scene.write('mirror.yaml', validConfiguration);
      mkdirSync(join(scene.folder, 'data'));
      symlinkSync('/dev/full', join(scene.folder, 'data/secrets.json.new'));
      return scene.run(['local', '--data', 'data']);
    },
  ],
  [
    'the disk of the table is full while it runs',
    async (scene) => {
      const nobody = await closedPort();
      scene.write('mirror.yaml', configurationFor(nobody));
      const { line, ended } = await scene.start(['local', '--data', 'data'], { fileSizeKiB: 64 });
      const { api } = JSON.parse(line) as Ready;
      const body = (n: number) =>
        JSON.stringify({ images: Array.from({ length: 50 }, (_, i) => `${nobody}/app:${n}-${i}`) });
      let runs = true;
      void ended.finally(() => {
        runs = false;
      });
      for (let n = 0; runs; n += 1)
        await fetch(`${api}/v1/mirrors`, { method: 'POST', body: body(n) }).catch(() => ended);
      return await ended;
    },
  ],
  [
    'the disk of the data folder is full while it runs',
    async (scene) => {
      scene.write('mirror.yaml', validConfiguration);
      const limits = { fileSizeKiB: 512 };
      const { line } = await scene.start(['local', '--data', 'data'], limits);
      const { registry } = JSON.parse(line) as Ready;
      scene.name(registry, '127.0.0.1:LOCAL');
      const env = {
        AWS_ENDPOINT_URL_ECR: `http://${registry}`,
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
      };
      const from = await sourceWithImage(scene, 1_000_000);
      return scene.run(
        ['copy', `${from}/app:1`, `${registry}/app:1`, '--plain-http', '--create-repository'],
        { env },
      );
    },
  ],
  [
    'the demo’s folder cannot be created',
    (scene) => scene.run(['demo'], { env: { TMPDIR: '/no-such-folder' } }),
  ],
  [
    'the file of secrets is missing',
    (scene) => {
      scene.write('mirror.yaml', validConfiguration);
      return scene.run(['local', '--secrets', 'secrets.json']);
    },
  ],
  [
    'the file of secrets is not JSON',
    (scene) => {
      scene.write('mirror.yaml', validConfiguration);
      scene.write('secrets.json', 'hub: password');
      return scene.run(['local', '--secrets', 'secrets.json']);
    },
  ],
];
