import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../lib/function-bundle.ts';
import { facts } from '../live/facts.ts';
import { holdings } from './account.ts';
import { credentials } from './cdk.ts';
import { homeRegion, Stage } from './stage.ts';

/*
 * The script for a real account, run against the emulators. What they do is not what ECR does:
 * this shows that the script runs to its end, cleans up and keeps secrets, not what its table
 * should say.
 */
let stage: Stage;
beforeAll(async () => {
  stage = await Stage.set('live.test.ts');
});
afterAll(() => stage?.[Symbol.asyncDispose]());

/** Runs the script. `interruptAt`: what it prints before it gets SIGINT. */
async function live(args: string[], { env = {}, interruptAt = '' } = {}) {
  const child = spawn(process.execPath, [join(packageRoot, 'test/live/main.ts'), ...args], {
    env: {
      PATH: process.env.PATH,
      HOME: stage.folder,
      TMPDIR: stage.folder,
      AWS_REGION: homeRegion,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_ENDPOINT_URL: stage.ministack.endpoint,
      AWS_ENDPOINT_URL_ECR: stage.mirror.endpoint,
      ...env,
    },
  });
  let text = '';
  let isInterrupted = interruptAt === '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (isInterrupted || !text.includes(interruptAt)) return;
      isInterrupted = true;
      child.kill('SIGINT');
    });
  }
  const code = await new Promise((resolve) => child.on('close', resolve));
  return { code, text };
}

/** What the account holds, apart from the CDK's own; the registry is ours. */
async function held() {
  const { tables, secrets, queues, rules, functions } = await holdings(stage.ministack.endpoint, homeRegion);
  return { tables, secrets, queues, rules, functions };
}
const nothing = { tables: [], secrets: [], queues: [], rules: [], functions: [] };

describe('npm run test:live', () => {
  it('explains itself, and does nothing without DRAYAGE_LIVE=1', async () => {
    const before = stage.mirror.requests.length;
    for (const env of [{}, { DRAYAGE_LIVE: 'yes' }, { DRAYAGE_LIVE: '1', AWS_REGION: '' }]) {
      const { code, text } = await live([], { env });
      expect(code).toBe(2);
      expect(text).toContain('DRAYAGE_LIVE=1 npm run test:live');
    }
    expect(stage.mirror.requests.length).toBe(before);
  });

  it('cleans up after an interruption', async () => {
    const interruptAt = `trying: ${facts[4]?.name}`;
    const { code, text } = await live(['--facts'], { env: { DRAYAGE_LIVE: '1' }, interruptAt });
    expect(text).toContain('interrupted: cleaning up');
    expect(text).toContain('nothing is left');
    expect(code, text).toBe(130);
    expect(await stage.blobMounting()).toBe('DISABLED');
  });

  it('deploys, mirrors an image, tries every fact, and leaves nothing', async () => {
    const { code, text } = await stage.timed('the whole script', () =>
      live([], { env: { DRAYAGE_LIVE: '1' } }),
    );
    process.stdout.write(text);
    expect(code, text).toBe(0);
    for (const { name } of facts)
      expect(text).toMatch(new RegExp(`^${name.replace(/[()]/g, '.')} .*\\S$`, 'm'));
    expect(text).toMatch(/mirrored in [\d.]+ s, pulled by digest/);
    expect(text).not.toContain('could not be tried');
    expect(text).toContain('nothing is left');
    expect(text).not.toMatch(/Basic |Bearer |"root"|password/i);
    expect(await held()).toEqual(nothing);
    expect(await stage.blobMounting()).toBe('DISABLED');
  });
});
