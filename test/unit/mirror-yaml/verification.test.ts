import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../../core/mirror-yaml/load.ts';
import { policyFingerprint } from '../../../core/policy/fingerprint.ts';
import { configOf, errorsOf, withUpstream } from './config-text.ts';

const fileWith = (verify: string) =>
  withUpstream('  - registry: ghcr.io', `    repositories: [{ match: a/b, verify: ${verify} }]`);

const keyless = 'issuer: https://i.example, identity: a@b.example';

const pem = (type: 'ec' | 'small') => {
  const pair =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      : generateKeyPairSync('rsa', { modulusLength: 1024 });
  return {
    publicPem: pair.publicKey.export({ type: 'spki', format: 'pem' }) as string,
    privatePem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
};
const { publicPem, privatePem } = pem('ec');

/** What the rule of a file verifies. */
const verificationOf = (verify: string) => configOf(fileWith(verify)).upstreams[0]?.repositories[0]?.verify;

describe('verify', () => {
  it.each([
    ['{ cosign: { key: cosign.pub } }', { kind: 'key', file: 'cosign.pub' }],
    [`{ cosign: { key: ${JSON.stringify(publicPem)} } }`, { kind: 'key', publicKey: publicPem }],
    ['{ cosign: { key: "awskms:///alias/signing" } }', { kind: 'kms', key: 'alias/signing' }],
    [
      '{ cosign: { key: "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234-ab" } }',
      { kind: 'kms', key: 'arn:aws:kms:eu-west-1:111122223333:key/1234-ab' },
    ],
    [
      `{ cosign: { keyless: { ${keyless} } } }`,
      { kind: 'keyless', issuer: { equals: 'https://i.example' }, identity: { equals: 'a@b.example' } },
    ],
    [
      '{ keyless: { issuer: https://i.example, identity: { pattern: "*@b.example" } }, trustedRoot: root.json }',
      {
        kind: 'keyless',
        issuer: { equals: 'https://i.example' },
        identity: { pattern: '*@b.example' },
        trustedRootFile: 'root.json',
      },
    ],
  ])('%s', (verify, authority) => {
    expect(verificationOf(verify)).toEqual({
      match: 'any',
      requirements: [{ kind: 'signature', authority }],
    });
  });

  it('takes several: any of a list, or all', () => {
    const both = '[{ cosign: { key: a.pub } }, { cosign: { key: b.pub } }]';
    expect(verificationOf(both)).toMatchObject({ match: 'any', requirements: { length: 2 } });
    expect(verificationOf(`{ any: ${both} }`)).toEqual(verificationOf(both));
    expect(verificationOf(`{ all: ${both} }`)).toMatchObject({ match: 'all', requirements: { length: 2 } });
  });

  it('takes attestations, with cosign’s names for their types', () => {
    const where = '{ runDetails.builder.id: { pattern: "https://x/*" }, level: 3 }';
    expect(verificationOf(`{ attestation: { type: slsaprovenance1, where: ${where}, key: a.pub } }`)).toEqual(
      {
        match: 'any',
        requirements: [
          {
            kind: 'attestation',
            predicateType: 'https://slsa.dev/provenance/v1',
            where: [
              { field: 'runDetails.builder.id', value: { pattern: 'https://x/*' } },
              { field: 'level', value: { equals: '3' } },
            ],
            authority: { kind: 'key', file: 'a.pub' },
          },
        ],
      },
    );
  });

  it.each([
    ['[]', 'verify', /is empty/],
    ['{}', 'verify', /is empty; write cosign, keyless or attestation/],
    ['{ all: [] }', 'verify.all', /is empty/],
    ['cosign.pub', 'verify', /must be a mapping with cosign/],
    [`{ cosign: { key: a, keyless: { ${keyless} } } }`, 'verify.cosign', /has both key and keyless/],
    [
      `{ cosign: { key: a }, keyless: { ${keyless} } }`,
      'verify',
      /has cosign and keyless in one requirement/,
    ],
    ['{ cosign: { key: a, trustedRoot: b } }', 'verify.cosign', /only keyless signatures need; leave it out/],
    ['{ keyless: { identity: a } }', 'verify.keyless.issuer', /is missing/],
    ['{ keyless: { issuer: "*", identity: a } }', 'verify.keyless.issuer', /write \{ pattern: "\*" \}/],
    [
      '{ keyless: { issuer: https://i.example, identity: { pattern: "**" } } }',
      'verify.keyless.identity.pattern',
      /matches everything/,
    ],
    [
      '[{ cosign: { key: a } }, { cosign: { key: "gcpkms://x" } }]',
      'verify[1].cosign.key',
      /gcpkms:\/\/ keys can’t be read here/,
    ],
    ['{ cosign: { key: "awskms://host/alias/x" } }', 'verify.cosign.key', /three slashes/],
    ['{ cosign: { key: "awskms:///1234" } }', 'verify.cosign.key', /write its ARN or its alias/],
    [`{ cosign: { key: ${JSON.stringify(privatePem)} } }`, 'verify.cosign.key', /holds a private key/],
    [
      '{ cosign: { key: "-----BEGIN CERTIFICATE-----" } }',
      'verify.cosign.key',
      /holds a certificate, not a public key/,
    ],
    [
      `{ cosign: { key: ${JSON.stringify(publicPem + publicPem)} } }`,
      'verify.cosign.key',
      /holds 2 public keys/,
    ],
    [
      `{ cosign: { key: ${JSON.stringify(pem('small').publicPem)} } }`,
      'verify.cosign.key',
      /RSA key of 1024 bits/,
    ],
    [
      '{ attestation: { type: slsa, key: a } }',
      'verify.attestation.type',
      /"slsa" is not an attestation type/,
    ],
    [
      '{ attestation: { type: vuln, key: a, where: { "a..b": x } } }',
      'verify.attestation.where["a..b"]',
      /is not a path/,
    ],
  ])('refuses %s', (verify, path, message) => {
    const errors = errorsOf(fileWith(verify));
    expect(errors.map((error) => error.path)).toEqual([`upstreams[0].repositories[0].${path}`]);
    expect(errors[0]?.message).toMatch(message);
    expect(errors[0]?.line).toBe(5);
    expect(JSON.stringify(errors)).not.toContain(privatePem.split('\n')[1]);
  });
});

describe('the files that verify names', () => {
  function folderWith(files: Record<string, string>): string {
    const folder = mkdtempSync(join(tmpdir(), 'verification-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    return join(folder, 'mirror.yaml');
  }
  const fingerprintOf = (file: string) => {
    const rule = loadConfig(file).upstreams[0]?.repositories[0];
    return rule && policyFingerprint(rule);
  };

  it('are read with the configuration, and decide with their content', () => {
    const yaml = fileWith('{ cosign: { key: cosign.pub } }');
    const file = folderWith({ 'mirror.yaml': yaml, 'cosign.pub': publicPem });
    expect(loadConfig(file).upstreams[0]?.repositories[0]?.verify?.requirements[0]?.authority).toEqual({
      kind: 'key',
      file: 'cosign.pub',
      publicKey: publicPem,
    });
    const renamed = folderWith({
      'mirror.yaml': yaml.replace('cosign.pub', 'key.pub'),
      'key.pub': publicPem,
    });
    expect(fingerprintOf(renamed)).toBe(fingerprintOf(file));
    writeFileSync(join(file, '../cosign.pub'), pem('ec').publicPem);
    expect(fingerprintOf(renamed)).not.toBe(fingerprintOf(file));
  });

  it.each([
    [{}, /mirror.yaml:5:\d+ upstreams\[0\].repositories\[0\].verify: the key file cosign.pub does not exist/],
    [{ 'cosign.pub': privatePem }, /the key file cosign.pub holds a private key/],
    [{ 'cosign.pub': 'x'.repeat(70_000) }, /is larger than 65536 bytes/],
  ])('are refused with the place in the file: %#', (files, message) => {
    const file = folderWith({ 'mirror.yaml': fileWith('{ cosign: { key: cosign.pub } }'), ...files });
    expect(() => loadConfig(file)).toThrow(message);
  });

  it.each(['{', '{"mediaType":"x"}', 'null'])('a trusted root that is none is refused: %s', (root) => {
    const yaml = fileWith(`{ keyless: { ${keyless} }, trustedRoot: root.json }`);
    const file = folderWith({ 'mirror.yaml': yaml, 'root.json': root });
    expect(() => loadConfig(file)).toThrow(/the file root.json is not a Sigstore trusted root/);
  });
});
