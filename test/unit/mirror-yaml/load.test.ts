import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InvalidConfigError, loadConfig } from '../../../core/mirror-yaml/load.ts';
import { maxConfigBytes } from '../../../core/mirror-yaml/parse.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drayage-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(content: string | Uint8Array): string {
  const file = join(folder, 'mirror.yaml');
  writeFileSync(file, content);
  return file;
}

function failure(file: string): InvalidConfigError {
  try {
    loadConfig(file);
  } catch (error) {
    if (error instanceof InvalidConfigError) return error;
    throw error;
  }
  throw new Error('the file was accepted');
}

describe('loadConfig', () => {
  it('accepts the example at the repository’s root', () => {
    const config = loadConfig(join(import.meta.dirname, '../../../mirror.yaml'));
    expect(config.upstreams.map(({ webhooks }) => webhooks[0]?.source)).toEqual([
      'dockerhub',
      'github',
      'distribution',
    ]);
  });

  it('reads a file that starts with a byte order mark', () => {
    expect(loadConfig(write('\ufeffversion: 1\nmirror: { regions: [eu-west-1] }\n')).version).toBe(1);
  });

  it('reports every error with file, line, column and path', () => {
    const file = write('version: 2\nmirror:\n  regions: [nowhere]\n');
    const error = failure(file);
    expect(error.errors).toHaveLength(2);
    expect(error.message).toBe(
      `${file}:1:10 version: must be the number 1, found the number 2; write, for example, 1\n` +
        `${file}:3:13 mirror.regions[0]: "nowhere" is not an AWS region; write, for example, eu-west-1`,
    );
  });

  it('reports that a file does not exist, or is a folder', () => {
    const missing = join(folder, 'none.yaml');
    expect(failure(missing).message).toBe(
      `${missing} does not exist; name the configuration with --config, or create one: drayage init`,
    );
    expect(failure(folder).message).toBe(`${folder} is a folder; name the file in it`);
  });

  it('reads the certificates that it names, relative to its own folder', async () => {
    const { cert } = await generate([{ name: 'commonName', value: 'an authority' }]);
    writeFileSync(join(folder, 'ca.pem'), `a comment\n${cert}${cert}`);
    const file = write('version: 1\nmirror: { regions: [eu-west-1] }\nnetwork: { caBundle: ca.pem }\n');
    const { network } = loadConfig(file);
    expect(network?.certificates?.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(network?.certificates).not.toContain('a comment');
  });

  it.each([
    ['does not exist', undefined, 'does not exist'],
    ['holds none', 'hello', 'holds no certificate'],
    [
      'is damaged',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      'the certificate in .* is damaged',
    ],
  ])('reports place and reason if a file of certificates %s', (_, content, message) => {
    if (content !== undefined) writeFileSync(join(folder, 'ca.pem'), content);
    const file = write('version: 1\nmirror: { regions: [eu-west-1] }\nnetwork:\n  caBundle: ca.pem\n');
    expect(failure(file).message).toMatch(new RegExp(`^${file}:4:\\d+ network.caBundle: .*${message}`));
  });

  it('refuses what is not UTF-8 or too large', () => {
    expect(failure(write(Uint8Array.of(0x76, 0xff))).message).toContain('is not UTF-8');
    expect(failure(write('#'.repeat(maxConfigBytes + 1))).message).toContain('is larger than 1048576 bytes');
  });

  it('stops reading an endless device', () => {
    expect(failure('/dev/zero').message).toContain('is larger than 1048576 bytes');
  });
});
