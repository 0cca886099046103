import { beforeAll, describe, expect, it } from 'vitest';
import type { Authority, PredicateCondition } from '../../../core/config/verification.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import type { Verdict } from '../../../core/verify/verdict.ts';
import { imageVerifier, noKeyService } from '../../../core/verify/verify-image.ts';
import { KeySigner, statementOf } from '../../support/signing/key-signer.ts';
import { bundleType, SignedRepository } from '../../support/signing/signed-repository.ts';
import { keylessAuthority, type Sigstore, startSigstore } from '../../support/signing/sigstore-instance.ts';

const verifyImage = imageVerifier(noKeyService);
const predicateType = 'https://slsa.dev/provenance/v1';
const builder = 'https://github.com/actions/runner/github-hosted';
const provenance = (id: string) => ({
  buildDefinition: { externalParameters: { 'org.example.team': 'shop', level: 3 } },
  runDetails: { builder: { id }, byproducts: [{ name: 'log' }] },
});
const fromBuilder: PredicateCondition = { field: 'runDetails.builder.id', value: { equals: builder } };

const signer = new KeySigner();
let sigstore: Sigstore;
beforeAll(async () => {
  sigstore = await startSigstore();
});

function verify(
  source: SignedRepository,
  digest: Digest,
  where: PredicateCondition[] = [fromBuilder],
  authority: Authority = { kind: 'key', publicKey: signer.pem },
): Promise<Verdict> {
  const requirement = { kind: 'attestation' as const, predicateType, where, authority };
  const verification = { match: 'all' as const, requirements: [requirement] };
  return verifyImage({ image: 'up.example/app:1', digest, source, verification }, {});
}

describe('an attestation', () => {
  it('counts under cosign’s tag and as a bundle', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    const statement = statementOf(digest, predicateType, provenance(builder));
    source.tag(digest, 'att', [signer.envelope(statement)]);
    const verified = {
      kind: 'verified',
      verified: {
        signatures: [{ kind: 'attestation', predicateType, by: expect.stringMatching(/^key SHA256:/) }],
      },
    };
    expect(await verify(source, digest)).toMatchObject(verified);
    source.tags.clear();
    source.refer(digest, bundleType, [signer.bundle(statement)], {
      'dev.sigstore.bundle.predicateType': predicateType,
    });
    expect(await verify(source, digest)).toMatchObject(verified);
  });

  it('counts if it is keyless, in either format', async () => {
    const authority = keylessAuthority(sigstore.trustedRoot);
    for (const format of ['envelope', 'bundle'] as const) {
      const source = new SignedRepository();
      const { digest } = source.image('app');
      const statement = statementOf(digest, predicateType, provenance(builder));
      const layer = await sigstore[format](statement);
      if (format === 'envelope') source.tag(digest, 'att', [layer]);
      else source.refer(digest, bundleType, [layer]);
      expect(await verify(source, digest, [fromBuilder], authority), format).toMatchObject({
        kind: 'verified',
      });
    }
  });

  it('is wrong if another builder built it', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    source.tag(digest, 'att', [
      signer.envelope(statementOf(digest, predicateType, provenance('https://evil.example'))),
    ]);
    expect(await verify(source, digest)).toMatchObject({
      kind: 'wrong',
      reason: expect.stringContaining(
        `its runDetails.builder.id is “https://evil.example”, not “${builder}”`,
      ),
    });
  });

  it('is wrong if another key signed it, or it is about another image', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    const statement = statementOf(digest, predicateType, provenance(builder));
    source.tag(digest, 'att', [new KeySigner().envelope(statement)]);
    expect(await verify(source, digest)).toMatchObject({ kind: 'wrong' });
    const { digest: old } = source.image('old');
    source.tag(digest, 'att', [signer.envelope(statementOf(old, predicateType, provenance(builder)))]);
    expect(await verify(source, digest)).toMatchObject({ kind: 'wrong' });
  });

  it('is missing if there are only those of other types', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    source.tag(digest, 'att', [signer.envelope(statementOf(digest, 'https://spdx.dev/Document'))]);
    source.tag(digest, 'sig', [signer.simple(digest)]);
    source.refer(digest, bundleType, [signer.bundle(statementOf(digest))]);
    expect(await verify(source, digest)).toMatchObject({ kind: 'missing' });
  });

  it.each([
    ['buildDefinition.externalParameters.org.example.team', { equals: 'shop' }, 'verified'],
    ['buildDefinition.externalParameters.level', { equals: '3' }, 'verified'],
    ['runDetails.byproducts.0.name', { equals: 'log' }, 'verified'],
    ['runDetails.byproducts.length', { pattern: '*' }, 'wrong'],
    ['runDetails.builder', { pattern: '*' }, 'wrong'],
    ['runDetails.builder.id.constructor.name', { pattern: '*' }, 'wrong'],
    ['constructor.name', { pattern: '*' }, 'wrong'],
  ] as const)('where %s is %j: %s', async (field, value, kind) => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    source.tag(digest, 'att', [signer.envelope(statementOf(digest, predicateType, provenance(builder)))]);
    expect(await verify(source, digest, [fromBuilder, { field, value }])).toMatchObject({ kind });
  });
});
