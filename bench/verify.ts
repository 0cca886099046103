import { spawnSync } from 'node:child_process';
import { createHash, createPublicKey, verify as verifyBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Digest } from '../core/oci/digest.ts';
import { imageVerifier, noKeyService } from '../core/verify/verify-image.ts';
import { KeySigner } from '../test/support/signing/key-signer.ts';
import { pushStore } from '../test/support/signing/push-store.ts';
import { SignedRepository } from '../test/support/signing/signed-repository.ts';
import type { BenchOptions } from './options.ts';
import { drayage } from './published.ts';
import { startBenchRegistry } from './registry.ts';
import { markdownTable, median } from './statistics.ts';
import { type Timing, timed } from './timed.ts';

const defaultRounds = 7;
const inMemory = 500;

/**
 * Verifies a signature with a key by hand, beside `cosign verify` if it is on the PATH, both as
 * whole processes at the same registry; and many in this process, without a network, beside
 * `node:crypto` alone. Fails if anything is not verified.
 */
export async function benchVerify(options: BenchOptions): Promise<string> {
  const rounds = options.rounds ?? defaultRounds;
  const folder = mkdtempSync(join(tmpdir(), 'drayage-bench-verify-'));
  try {
    await using registry = await startBenchRegistry();
    const signer = new KeySigner();
    const key = join(folder, 'key.pub');
    writeFileSync(key, signer.pem);
    const store = new SignedRepository();
    const { digest } = store.image('bench');
    store.tag(digest, 'sig', [signer.simple(digest)]);
    await pushStore(store, registry.host, 'team/app');
    const image = `${registry.host}/team/app@${digest}`;
    const commands: Record<string, string[]> = {
      'drayage verify': [process.execPath, drayage, 'verify', image, '--key', key, '--plain-http'],
    };
    if (spawnSync('cosign', ['version']).status === 0)
      commands['cosign verify'] = [
        ...['cosign', 'verify', '--key', key, '--insecure-ignore-tlog=true'],
        ...['--new-bundle-format=false', '--allow-http-registry', image],
      ];
    const timings = Object.fromEntries(Object.keys(commands).map((name): [string, Timing[]] => [name, []]));
    for (let round = 1; round <= rounds; round += 1)
      for (const [name, command] of Object.entries(commands)) timings[name]?.push(await timed(command));
    const rows = Object.entries(timings).map(([name, all]) => {
      const middle = (figure: keyof Timing) => median(all.map((timing) => timing[figure]));
      return [
        name,
        middle('wallSeconds').toFixed(2),
        middle('cpuSeconds').toFixed(2),
        middle('peakMegabytes').toFixed(0),
      ];
    });
    const { engine, limit } = await verifyInMemory(signer);
    return [
      '## Verifying a signature with a key',
      `Whole processes, median of ${rounds}, an image on a docker-registry.`,
      '',
      markdownTable(['', 'seconds', 'CPU s', 'peak MB'], rows),
      '',
      `In one process, without a network, ${inMemory} images: ${engine.toFixed(2)} ms each; the ECDSA verification alone takes ${limit.toFixed(2)} ms.`,
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Milliseconds for each image: with everything, and of the cryptography alone. */
async function verifyInMemory(signer: KeySigner): Promise<{ engine: number; limit: number }> {
  const source = new SignedRepository();
  const digests: Digest[] = [];
  for (let n = 0; n < inMemory; n += 1) {
    const { digest } = source.image(`image ${n}`);
    source.tag(digest, 'sig', [signer.simple(digest)]);
    digests.push(digest);
  }
  const authority = { kind: 'key' as const, publicKey: signer.pem };
  const verification = { match: 'any' as const, requirements: [{ kind: 'signature' as const, authority }] };
  const verifyImage = imageVerifier(noKeyService);
  const begun = performance.now();
  for (const digest of digests) {
    const verdict = await verifyImage({ image: digest, digest, source, verification }, {});
    if (verdict.kind !== 'verified') throw new Error(verdict.reason);
  }
  const engine = (performance.now() - begun) / inMemory;
  const payload = createHash('sha512').update('payload').digest();
  const { annotations = {} } = signer.simple(digests[0] as Digest);
  const signature = Buffer.from(annotations['dev.cosignproject.cosign/signature'] ?? '', 'base64');
  const publicKey = createPublicKey(signer.pem);
  const alone = performance.now();
  for (let n = 0; n < inMemory; n += 1) verifyBytes('sha256', payload, publicKey, signature);
  return { engine, limit: (performance.now() - alone) / inMemory };
}
