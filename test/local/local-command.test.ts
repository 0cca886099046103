import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDrayageLocal } from '../support/drayage.ts';

describe('drayage local without a terminal', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-local-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('writes its line of JSON and nothing for people, and writes its logs as JSON', async () => {
    const config = join(folder, 'mirror.yaml');
    writeFileSync(
      config,
      'version: 1\nmirror: { regions: [eu-west-1] }\nupstreams: [{ registry: ghcr.io, webhook: { source: github } }]\n',
    );
    await using local = await startDrayageLocal(['--config', config]);
    const response = await fetch(`${local.ready.api}/webhooks/github`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(401);
    expect(await local.end('SIGINT')).toBe(0);
    expect(local.stdout()).toBe(`${JSON.stringify(local.ready)}\n`);
    const logged = local.stderr().trimEnd().split('\n');
    expect(logged.pop()).toBe('stopping…');
    expect(logged.map((line) => JSON.parse(line).message)).toContain('a delivery was refused');
  });
});
