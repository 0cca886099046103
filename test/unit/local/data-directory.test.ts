import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newSecrets, openDataDirectory } from '../../../local/data-directory.ts';
import type { StartError } from '../../../local/start-error.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-data-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the folder of --data', () => {
  it('keeps the secrets, for this user only', async () => {
    const first = await openDataDirectory(join(folder, 'a/b'));
    first.release();
    const second = await openDataDirectory(join(folder, 'a/b'));
    second.release();
    expect(second.secrets).toEqual(first.secrets);
    expect(statSync(join(folder, 'a/b/secrets.json')).mode & 0o077).toBe(0);
  });

  const { registryPassword: _, ...incomplete } = newSecrets();
  it.each([
    ['{}', 'webhookRoot'],
    ['null', 'webhookRoot'],
    ['["hush-hush"]', 'webhookRoot'],
    [JSON.stringify({ ...incomplete, note: 'hush-hush' }), 'registryPassword'],
    [JSON.stringify({ ...newSecrets(), apiRoot: '' }), 'apiRoot'],
    [JSON.stringify({ ...newSecrets(), apiRoot: 4711 }), 'apiRoot'],
    ['{"webhookRoot": "hush-hush', 'it is not JSON'],
    ['', 'it is not JSON'],
  ])('refuses secrets.json with %j, quotes nothing from it and changes nothing', async (content, why) => {
    const file = join(folder, 'secrets.json');
    writeFileSync(file, content);
    const error: StartError = await openDataDirectory(folder).then(
      () => expect.unreachable('it was opened'),
      (reason) => reason,
    );
    expect(error.message).toContain(`${file} is damaged: ${why}`);
    expect(error.remedy).toMatch(/^restore the file; or remove it/);
    for (const part of ['hush', '4711', incomplete.apiRoot]) expect(error.message).not.toContain(part);
    expect(readFileSync(file, 'utf8')).toBe(content);
    expect(readdirSync(folder), 'the lock is released').toEqual(['secrets.json']);
  });

  it('reports that secrets.json cannot be read', async () => {
    mkdirSync(join(folder, 'secrets.json'));
    await expect(openDataDirectory(folder)).rejects.toThrow(/can’t be used.*: it is a folder \(EISDIR\)$/);
  });

  it.each(['file', 'file/below'])('refuses %s, which is not a folder', async (path) => {
    writeFileSync(join(folder, 'file'), '');
    await expect(openDataDirectory(join(folder, path))).rejects.toMatchObject({
      message: expect.stringMatching(
        `^the data folder ${join(folder, path)} can’t be used: .*\\((EEXIST|ENOTDIR)\\)$`,
      ),
      remedy: 'choose a folder that this user can write to: --data FOLDER',
    });
  });
});
