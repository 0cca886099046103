import { chmodSync } from 'node:fs';
import type { Failure } from './scene.ts';

const valid =
  'version: 1\nmirror: { regions: [eu-west-1] }\nupstreams: [{ registry: ghcr.io, webhook: { source: github } }]\n';

const invalid = `version: 1
mirror:
  region: eu-west-1
upstreams:
  - registry: docker.io
    webhook: { source: docker-hub }
    repositories:
      - match: library/nginx
        tags: { latest: many }
`;

/** Files that commands read and write. */
export const fileFailures: Failure[] = [
  ['no configuration', (scene) => scene.run(['validate'])],
  ['no configuration of that name', (scene) => scene.run(['local', '--config', 'staging.yaml'])],
  ['the configuration is a folder', (scene) => scene.run(['validate', '--config', '.'])],
  [
    'the configuration may not be read',
    (scene) => {
      chmodSync(scene.write('mirror.yaml', valid), 0o000);
      return scene.run(['validate'], { unprivileged: true });
    },
  ],
  [
    'the configuration may not be read, by what runs it',
    (scene) => {
      chmodSync(scene.write('mirror.yaml', valid), 0o000);
      return scene.run(['local'], { unprivileged: true });
    },
  ],
  [
    'the configuration is wrong',
    (scene) => {
      scene.write('mirror.yaml', invalid);
      return scene.run(['validate']);
    },
  ],
  [
    'the configuration is wrong, and is to be run',
    (scene) => {
      scene.write('mirror.yaml', invalid);
      return scene.run(['local']);
    },
  ],
  [
    'the configuration is not YAML',
    (scene) => {
      scene.write('mirror.yaml', 'version: 1\nmirror: [regions\n');
      return scene.run(['local']);
    },
  ],
  [
    'the configuration is empty',
    (scene) => {
      scene.write('mirror.yaml', '');
      return scene.run(['local']);
    },
  ],
  [
    'the configuration already exists',
    (scene) => {
      scene.write('mirror.yaml', valid);
      return scene.run(['init']);
    },
  ],
  [
    'the configuration’s folder does not exist',
    (scene) => scene.run(['init', '--config', 'new/mirror.yaml']),
  ],
  [
    'the configuration’s folder may not be written',
    (scene) => {
      chmodSync(scene.folder, 0o555);
      return scene.run(['init'], { unprivileged: true });
    },
  ],
  [
    'the disk of the configuration is full',
    (scene) => scene.run(['init', '--force', '--config', '/dev/full']),
  ],
  ['the disk of the output is full', (scene) => scene.run(['schema'], { stdout: '/dev/full' })],
  [
    'the disk of a report is full',
    (scene) => {
      scene.write('mirror.yaml', valid);
      return scene.run(['validate', '--json'], { stdout: '/dev/full' });
    },
  ],
];

export { valid as validConfiguration };
