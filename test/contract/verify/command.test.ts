import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Digest } from '../../../core/oci/digest.ts';
import { type EmbeddedRegistry, startRegistry } from '../../../local/ecr/server.ts';
import { KeySigner, statementOf } from '../../support/signing/key-signer.ts';
import { pushStore } from '../../support/signing/push-store.ts';
import { bundleType, SignedRepository } from '../../support/signing/signed-repository.ts';
import { identity, issuer, startSigstore } from '../../support/signing/sigstore-instance.ts';

const folder = mkdtempSync(join(tmpdir(), 'drayage-verify-'));
const signer = new KeySigner();
const other = new KeySigner();
let registry: EmbeddedRegistry;
let host: string;
let digest: Digest;

beforeAll(async () => {
  registry = await startRegistry({ flavour: 'distribution' });
  host = new URL(registry.endpoint).host;
  const store = new SignedRepository();
  const image = store.image('app');
  digest = image.digest;
  const sigstore = await startSigstore();
  store.tag(digest, 'sig', [signer.simple(digest)]);
  store.refer(digest, bundleType, [await sigstore.bundle(statementOf(digest))]);
  store.tags.set('1', digest);
  store.tags.set('unsigned', store.image('unsigned').digest);
  await pushStore(store, host, 'app');
  writeFileSync(join(folder, 'cosign.pub'), signer.pem);
  writeFileSync(join(folder, 'other.pub'), other.pem);
  writeFileSync(join(folder, 'cosign.key'), signer.privatePem);
  writeFileSync(join(folder, 'root.json'), sigstore.trustedRoot);
  const upstream = `{ registry: "${host}", endpoint: "http://${host}", repositories: [{ match: app, verify: { cosign: { key: cosign.pub } } }] }`;
  writeFileSync(
    join(folder, 'mirror.yaml'),
    `version: 1\nmirror: { regions: [eu-west-1] }\nupstreams:\n  - ${upstream}\n`,
  );
});

afterAll(async () => {
  await registry.stop();
  rmSync(folder, { recursive: true, force: true });
});

function drayage(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = join(import.meta.dirname, '../../../cli/main.ts');
  return new Promise((resolve) => {
    execFile(process.execPath, [main, 'verify', ...args], { cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('drayage verify', { timeout: 120_000 }, () => {
  it('tells who signed, by the rule that applies', async () => {
    const { code, stdout, stderr } = await drayage(`${host}/app:1`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      new RegExp(
        `^verified: ${host}/app:1 is signed as the rule app in mirror.yaml requires\n  digest    ${digest}\n  signed by key SHA256:`,
      ),
    );
  });

  it('verifies by options, as JSON', async () => {
    const rule = ['--plain-http', '--json', '--issuer', issuer, '--identity', 'https://github.com/acme/*'];
    const { code, stdout } = await drayage(`${host}/app:1`, ...rule, '--trusted-root', 'root.json');
    expect(JSON.parse(stdout)).toMatchObject({
      digest,
      verdict: 'verified',
      signatures: [
        { kind: 'signature', by: `${identity} (${issuer})`, signedAt: expect.stringMatching(/Z$/) },
      ],
    });
    expect(code).toBe(0);
  });

  it.each([
    ['wrong', '1', ['--key', 'other.pub', '--plain-http'], /^wrong: .*: it is not signed with key SHA256:/],
    ['missing', 'unsigned', [], /^missing: .*there is no signature with the key cosign.pub/],
    [
      'missing',
      '1',
      ['--key', 'cosign.pub', '--type', 'slsaprovenance1', '--plain-http'],
      /^missing: .*attestation of type https:/,
    ],
  ])('exits with 1 if it is %s', async (_, tag, rest, expected) => {
    const { code, stdout } = await drayage(`${host}/app:${tag}`, ...rest);
    expect(stdout).toMatch(expected);
    expect(code).toBe(1);
  });

  it.each([
    [['--key', 'cosign.key'], /holds a private key, which must not be here/],
    [['--key', 'none.pub'], /the key file none.pub does not exist/],
    [['--issuer', issuer], /--identity is missing/],
    [['--issuer', issuer, '--identity', '*'], /--identity "\*" matches everything/],
    [['--key', 'cosign.pub', '--issuer', issuer, '--identity', 'x'], /has both key and keyless/],
    [['--key', 'cosign.pub', '--type', 'slsa'], /--type "slsa" is not an attestation type/],
  ])('exits with 2 for %j', async (args, expected) => {
    const { code, stderr } = await drayage(`${host}/app:1`, ...args);
    expect(stderr).toMatch(expected);
    expect(code).toBe(2);
  });

  it('fails if no rule requires a signature, or the registry does not answer', async () => {
    const unknown = await drayage('ghcr.io/acme/shop:1');
    expect(unknown).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no rule in mirror.yaml applies'),
    });
    const nowhere = await drayage('127.0.0.1:1/app:1', '--plain-http', '--key', 'cosign.pub');
    expect(nowhere).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('127.0.0.1:1') });
  });
});
