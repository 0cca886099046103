import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

const run = promisify(execFile);
const launcher = resolve(import.meta.dirname, '../../cli/drayage.js');
const pressTab = resolve(import.meta.dirname, '../support/press-tab.py');

describe('completion in a real shell', () => {
  let pipeline: Pipeline;
  let folder: string;
  const shells: Record<string, string[]> = {};
  beforeAll(async () => {
    pipeline = await startPipeline();
    folder = mkdtempSync(join(tmpdir(), 'drayage-completion-'));
    writeFileSync(join(folder, 'drayage'), `#!/bin/sh\nexec '${process.execPath}' '${launcher}' "$@"\n`);
    chmodSync(join(folder, 'drayage'), 0o755);
    writeFileSync(join(folder, 'mirror.yaml'), '');
    await pipeline.mirror('acme/shop', '1.0', seededImage({ seed: 'completion', layers: [{ size: 3_000 }] }));
    for (const shell of ['bash', 'zsh', 'fish'])
      writeFileSync(join(folder, `setup.${shell}`), (await complete(['completion', shell])).stdout);
    shells.bash = ['bash', '--noprofile', '--rcfile', join(folder, 'setup.bash')];
    const zshrc = `autoload -Uz compinit; compinit -u -d ${folder}/dump; source ${folder}/setup.zsh; bindkey -e\n`;
    writeFileSync(join(folder, '.zshrc'), zshrc);
    shells.zsh = ['zsh'];
    shells.fish = ['fish', '--no-config', '--init-command', `source ${folder}/setup.fish`];
    // The names are known before a slow machine could miss the deadline.
    await complete(['complete', 'images', '--refresh']);
  });
  afterAll(async () => {
    await pipeline[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const environment = () => ({
    ...process.env,
    PATH: `${folder}:${process.env.PATH}`,
    HOME: folder,
    ZDOTDIR: folder,
    XDG_CACHE_HOME: join(folder, 'cache'),
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_DATA_HOME: join(folder, 'data'),
    TERM: 'xterm',
    DRAYAGE_API: pipeline.api,
    DRAYAGE_TOKEN: '',
  });
  const complete = (args: string[]) => run(process.execPath, [launcher, ...args], { env: environment() });

  const cases = [
    ['drayage webh', 'drayage webhooks '],
    ['drayage webhooks reg', 'drayage webhooks register '],
    ['drayage lookup --pin', 'drayage lookup --pinned '],
    ['drayage jobs --state com', 'drayage jobs --state committed '],
    ['drayage jobs --state failed --state sat', 'drayage jobs --state failed --state satisfied '],
    ['drayage validate --config mir', 'drayage validate --config mirror.yaml '],
    ['drayage completion fi', 'drayage completion fish '],
    ['drayage lookup ghcr.io/acme/shop:1', 'drayage lookup ghcr.io/acme/shop:1.0 '],
    ['drayage mirror --no-wait ghcr.io/ac', 'drayage mirror --no-wait ghcr.io/acme/shop:1.0 '],
    ['drayage jobs --image ghcr', 'drayage jobs --image ghcr.io/acme/shop:1.0 '],
  ];

  it.concurrent.each(['bash', 'zsh', 'fish'].flatMap((shell) => cases.map((each) => [shell, ...each])))(
    '%s: %s',
    async (shell = '', line = '', expected = '') => {
      const { stdout } = await run('python3', [pressTab, line, ...(shells[shell] ?? [])], {
        env: environment(),
        cwd: folder,
      });
      // A shell may wait for the next key before it puts the space.
      expect(stdout.trim()).toBe(expected.trim());
    },
  );

  it('keeps names where only their user can read them', () => {
    const cache = join(folder, 'cache', 'drayage');
    expect(statSync(cache).mode & 0o777).toBe(0o700);
    const [name = ''] = readdirSync(cache).filter((file) => file.endsWith('.json'));
    expect(statSync(join(cache, name)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(join(cache, name), 'utf8'))).toMatchObject({
      images: ['ghcr.io/acme/shop:1.0'],
    });
  });
});
