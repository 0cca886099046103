import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs skopeo. @throws when it is not installed or fails, with what it wrote */
export async function skopeo(...args: string[]): Promise<string> {
  try {
    return (await run('skopeo', args, { maxBuffer: 16 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: string };
    if (code === 'ENOENT') throw new Error('skopeo is not installed: apt-get install skopeo');
    throw new Error(`skopeo ${args.join(' ')} failed: ${stderr}`);
  }
}

/** The digest of what a reference points to. */
export async function skopeoDigest(image: string): Promise<string> {
  return (
    await skopeo('inspect', '--no-tags', '--tls-verify=false', '--format', '{{.Digest}}', `docker://${image}`)
  ).trim();
}
