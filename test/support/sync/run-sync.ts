import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { syncScript } from '../../../core/exports/manifests/admission-policy/sync-script.ts';
import { findProgram } from '../find-program.ts';

/** What a run of the CronJob's script needs. */
export interface SyncRun {
  /** `GET /v1/exports/imagemirror`, with a query or not. */
  exportUrl: string;
  /** The apiserver's address. */
  kube: string;
  /** What the ServiceAccount's folder has. */
  account?: { token: string; certificate: string };
  /** With busybox’s shell and programs, as in the CronJob’s image, or with the machine’s. */
  programs: 'busybox' | 'system';
}

/** How it ended, with everything that it printed. */
export interface SyncResult {
  code: number | null;
  output: string;
}

/** Runs the script of the CronJob once, in a folder of its own. */
export async function runSync({ exportUrl, kube, account, programs }: SyncRun): Promise<SyncResult> {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-sync-'));
  try {
    for (const name of ['work', 'account', 'bin']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'account/token'), account?.token ?? 'secret-of-kube');
    writeFileSync(join(folder, 'account/ca.crt'), account?.certificate ?? '');
    const path = programs === 'busybox' ? busyboxFolder(join(folder, 'bin')) : process.env.PATH;
    const child = spawn(join(programs === 'busybox' ? `${path}` : '/bin', 'sh'), ['-euc', syncScript], {
      env: {
        PATH: path,
        WORK: join(folder, 'work'),
        SA: join(folder, 'account'),
        KUBE: kube,
        DRAYAGE_EXPORT: exportUrl,
        DRAYAGE_TOKEN: 'secret-of-the-api',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A folder whose programs are busybox’s, and curl. */
function busyboxFolder(folder: string): string {
  const busybox = findProgram({
    title: 'busybox',
    name: 'busybox',
    variable: 'DRAYAGE_BUSYBOX',
    remedy: 'apt-get install busybox-static',
  });
  for (const name of ['sh', 'awk', 'sed', 'grep', 'ls', 'tail', 'cut', 'cat', 'rm', 'mv', 'printf'])
    symlinkSync(busybox, join(folder, name));
  const curl = findProgram({
    title: 'curl',
    name: 'curl',
    variable: 'DRAYAGE_CURL',
    remedy: 'apt-get install curl',
  });
  symlinkSync(curl, join(folder, 'curl'));
  return folder;
}
