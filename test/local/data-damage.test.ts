import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTable } from '../../local/dynamodb.ts';
import { drayage } from '../support/drayage.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-damage-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const table = () => join(folder, 'table');

describe('a damaged data folder', () => {
  it('ends drayage local with a message that names the table and the remedy', async () => {
    const config = join(folder, 'mirror.yaml');
    writeFileSync(config, 'version: 1\nmirror: { regions: [eu-west-1] }\nupstreams: []\n');
    await (await startTable('eu-west-1', table())).stop();
    writeFileSync(join(table(), 'CURRENT'), 'garbage');
    const result = await drayage(['local', '--config', config, '--data', folder]);
    expect(result).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^drayage: the table in \S+ can’t be opened: Corruption: .*\n {2}restore the folder; or remove it, .*\n$/,
      ),
    });
  });

  it('is reported if the table is a file, or in use', async () => {
    writeFileSync(table(), '');
    await expect(startTable('eu-west-1', table())).rejects.toMatchObject({
      message: expect.stringMatching(/can’t be opened: EEXIST/),
      remedy: expect.stringMatching(/remove it/),
    });
    rmSync(table());
    mkdirSync(table());
    const running = await startTable('eu-west-1', table());
    await expect(startTable('eu-west-1', table())).rejects.toThrow(
      /can’t be opened: another process uses it/,
    );
    await running.stop();
  });
});
