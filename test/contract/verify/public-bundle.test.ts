import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Authority } from '../../../core/config/verification.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { imageVerifier, noKeyService } from '../../../core/verify/verify-image.ts';
import { bundleType, SignedRepository } from '../../support/signing/signed-repository.ts';

/**
 * A bundle that cosign made with the public Fulcio and Rekor in February 2025, as it stands in
 * cosign's own tests (Apache-2.0):
 * https://github.com/sigstore/cosign/blob/v3.1.3/pkg/cosign/testdata/oci-attestation.sigstore.json
 */
const bundle = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures/oci-attestation.sigstore.json'), 'utf8'),
);
const signed: Digest = 'sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4';
const signer = { issuer: 'https://github.com/login/oauth', identity: 'cody@soyland.com' };
const predicateType = 'https://cosign.sigstore.dev/attestation/v1';

/** Verifies the bundle by the trusted root that Drayage ships. */
function verify(
  authority: Authority,
  { digest = signed, content = bundle }: { digest?: Digest; content?: object } = {},
) {
  const source = new SignedRepository();
  source.manifests.set(digest, { ...source.image('signed'), digest });
  source.refer(digest, bundleType, [{ mediaType: bundleType, content: JSON.stringify(content) }]);
  const requirement = { kind: 'attestation' as const, predicateType, where: [], authority };
  const verification = { match: 'all' as const, requirements: [requirement] };
  return imageVerifier(noKeyService)({ image: 'up.example/app:1', digest, source, verification }, {});
}

const keyless = ({ issuer, identity }: typeof signer): Authority => ({
  kind: 'keyless',
  issuer: { equals: issuer },
  identity: { equals: identity },
});

describe('a bundle of the public Sigstore', () => {
  it('is verified offline, with a certificate that was valid for ten minutes', async () => {
    expect(await verify(keyless(signer))).toMatchObject({
      kind: 'verified',
      verified: {
        digest: signed,
        signatures: [
          {
            kind: 'attestation',
            by: expect.stringContaining(signer.identity),
            predicateType,
            signedAt: expect.stringMatching(/^2025-02-28T19:18:1/),
          },
        ],
      },
    });
  });

  it('says nothing about another image', async () => {
    const digest: Digest = `sha256:${'1'.repeat(64)}`;
    expect(await verify(keyless(signer), { digest })).toMatchObject({ kind: 'wrong' });
  });

  it.each([
    ['identity', { identity: 'cody@soyland.com.example' }],
    ['identity', { identity: 'soyland.com' }],
    ['issuer', { issuer: 'https://accounts.google.com' }],
  ])('does not count for another %s', async (_what, other) => {
    expect(await verify(keyless({ ...signer, ...other }))).toMatchObject({ kind: 'wrong' });
  });

  it.each(['payload', 'logIndex', 'integratedTime', 'proof of inclusion', 'certificate'])(
    'does not count with another %s',
    async (what) => {
      const content = structuredClone(bundle);
      const [entry] = content.verificationMaterial.tlogEntries;
      const changed = (base64: string) => {
        const bytes = Buffer.from(base64, 'base64');
        bytes.writeUInt8(bytes.readUInt8(bytes.length - 5) ^ 1, bytes.length - 5);
        return bytes.toString('base64');
      };
      if (what === 'payload') content.dsseEnvelope.payload = changed(content.dsseEnvelope.payload);
      else if (what === 'certificate')
        content.verificationMaterial.certificate.rawBytes = changed(
          content.verificationMaterial.certificate.rawBytes,
        );
      else if (what === 'proof of inclusion') {
        // The log's own promise would do without it.
        delete entry.inclusionPromise;
        entry.inclusionProof.rootHash = changed(entry.inclusionProof.rootHash);
      } else entry[what] = String(Number(entry[what]) + 86_400);
      expect(await verify(keyless(signer), { content })).toMatchObject({ kind: 'wrong' });
    },
  );

  it.each([
    [
      'proof of inclusion',
      (entry: { inclusionProof: { hashes: string[] } }) => {
        entry.inclusionProof.hashes = Array.from({ length: 65 }, () => Buffer.alloc(32).toString('base64'));
      },
    ],
    [
      'proof of inclusion',
      (entry: { inclusionProof: { checkpoint: { envelope: string } } }) => {
        entry.inclusionProof.checkpoint.envelope += '— x y\n'.repeat(10_000);
      },
    ],
  ])('with a huge %s is not worked through', async (what, change) => {
    const content = structuredClone(bundle);
    change(content.verificationMaterial.tlogEntries[0]);
    expect(await verify(keyless(signer), { content })).toMatchObject({
      kind: 'wrong',
      reason: expect.stringContaining(`a ${what} in its bundle is too large`),
    });
  });
});
