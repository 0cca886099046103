import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Authority, SignatureRequirement, Verification } from '../../../core/config/verification.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { RegistryError } from '../../../core/registry/errors.ts';
import type { Verdict } from '../../../core/verify/verdict.ts';
import { imageVerifier, noKeyService } from '../../../core/verify/verify-image.ts';
import { KeySigner, simplePayload, statementOf } from '../../support/signing/key-signer.ts';
import { bundleType, SignedRepository, simpleSigningType } from '../../support/signing/signed-repository.ts';

const verifyImage = imageVerifier(noKeyService);
const signer = new KeySigner();
const other = new KeySigner();

const keyOf = ({ pem }: KeySigner): Authority => ({ kind: 'key', file: 'cosign.pub', publicKey: pem });
const signature = (authority = keyOf(signer)): SignatureRequirement => ({ kind: 'signature', authority });

function verify(
  source: SignedRepository,
  digest: Digest,
  requirements: SignatureRequirement[] = [signature()],
  match: Verification['match'] = 'any',
): Promise<Verdict> {
  const image = 'up.example/app:1';
  return verifyImage({ image, digest, source, verification: { match, requirements } }, {});
}

describe('a key’s signature', () => {
  it('counts under cosign’s tag, and says whose it is and where', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    const manifest = source.tag(digest, 'sig', [signer.simple(digest)]);
    expect(await verify(source, digest)).toEqual({
      kind: 'verified',
      verified: {
        digest,
        at: expect.stringMatching(/^\d{4}-.*Z$/),
        signatures: [
          {
            kind: 'signature',
            by: expect.stringMatching(/^key SHA256:[\w+/]{43}$/),
            manifest: manifest.digest,
          },
        ],
      },
    });
  });

  it('counts as a referrer, in either format', async () => {
    for (const [type, layer] of [
      ['application/vnd.dev.cosign.artifact.sig.v1+json', (digest: Digest) => signer.simple(digest)],
      [bundleType, (digest: Digest) => signer.bundle(statementOf(digest))],
    ] as const) {
      const source = new SignedRepository();
      const { digest } = source.image('app');
      source.refer(digest, type, [layer(digest)]);
      expect(await verify(source, digest), type).toMatchObject({ kind: 'verified' });
    }
  });

  it.each([
    ['ECDSA P-384', generateKeyPairSync('ec', { namedCurve: 'secp384r1' }), 'sha256'],
    ['ECDSA P-384 with its own hash', generateKeyPairSync('ec', { namedCurve: 'secp384r1' }), 'sha384'],
    ['ECDSA P-521', generateKeyPairSync('ec', { namedCurve: 'secp521r1' }), 'sha512'],
    ['Ed25519', generateKeyPairSync('ed25519'), null],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }), 'sha256'],
  ] as const)('may be of %s', async (_, pair, hash) => {
    const made = new KeySigner(pair, hash);
    const source = new SignedRepository();
    const { digest } = source.image('app');
    source.tag(digest, 'sig', [made.simple(digest)]);
    expect(await verify(source, digest, [signature(keyOf(made))])).toMatchObject({ kind: 'verified' });
    expect(await verify(source, digest)).toMatchObject({ kind: 'wrong' });
  });

  it('is missing where there is none, or was removed', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    const missing = {
      kind: 'missing',
      reason: `up.example/app:1: there is no signature with the key cosign.pub for ${digest}`,
    };
    expect(await verify(source, digest)).toEqual(missing);
    source.tag(digest, 'sig', [signer.simple(digest)]);
    source.tags.clear();
    expect(await verify(source, digest)).toEqual(missing);
    // What else is attached is no signature.
    source.refer(digest, 'application/spdx+json', [{ mediaType: 'application/spdx+json', content: '{}' }]);
    source.refer(digest, bundleType, [signer.bundle(statementOf(digest, 'https://spdx.dev/Document'))]);
    expect(await verify(source, digest)).toEqual(missing);
  });

  it('is wrong if another key made it, and found among others', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    const { digest: manifest } = source.tag(digest, 'sig', [other.simple(digest)]);
    expect(await verify(source, digest)).toEqual({
      kind: 'wrong',
      reason: expect.stringMatching(
        new RegExp(
          `^up.example/app:1: no signature of ${digest} meets the requirement .*${manifest}: it is not signed with key SHA256:`,
        ),
      ),
    });
    source.tag(digest, 'sig', [other.simple(digest), signer.simple(digest), other.simple(digest)]);
    expect(await verify(source, digest)).toMatchObject({ kind: 'verified' });
  });

  it('is wrong if it is of another image, replayed in any format', async () => {
    const source = new SignedRepository();
    const old = source.image('old').digest;
    const { digest } = source.image('new');
    source.tag(digest, 'sig', [signer.simple(old)]);
    expect(await verify(source, digest)).toMatchObject({
      kind: 'wrong',
      reason: expect.stringContaining(`it signs “${old}”, not this image`),
    });
    source.tags.clear();
    source.refer(digest, bundleType, [signer.bundle(statementOf(old))]);
    expect(await verify(source, digest)).toMatchObject({
      kind: 'wrong',
      reason: expect.stringContaining(`its statement is about “${old}”, not about this image`),
    });
  });

  it('is wrong if what it signs was changed', async () => {
    const source = new SignedRepository();
    const old = source.image('old').digest;
    const { digest } = source.image('new');
    const { annotations = {} } = signer.simple(old);
    source.tag(digest, 'sig', [
      { mediaType: simpleSigningType, content: simplePayload(digest), annotations },
    ]);
    expect(await verify(source, digest)).toMatchObject({ kind: 'wrong' });
    source.tags.clear();
    const bundle = JSON.parse(String(signer.bundle(statementOf(old)).content));
    bundle.dsseEnvelope.payload = statementOf(digest).toString('base64');
    source.refer(digest, bundleType, [{ mediaType: bundleType, content: JSON.stringify(bundle) }]);
    expect(await verify(source, digest)).toMatchObject({ kind: 'wrong' });
  });

  it('of a child says nothing about the index, nor the other way round', async () => {
    const source = new SignedRepository();
    const child = source.image('amd64');
    const index = source.index(child, source.image('arm64'));
    source.tag(child.digest, 'sig', [signer.simple(child.digest)]);
    expect(await verify(source, index.digest)).toMatchObject({ kind: 'missing' });
    expect(await verify(source, child.digest)).toMatchObject({ kind: 'verified' });
    source.tags.clear();
    source.tag(index.digest, 'sig', [signer.simple(index.digest)]);
    expect(await verify(source, child.digest)).toMatchObject({ kind: 'missing' });
    expect(await verify(source, index.digest)).toMatchObject({ kind: 'verified' });
  });

  it('is none of an attestation, and an attestation none of it', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    source.refer(digest, bundleType, [signer.bundle(statementOf(digest, 'https://slsa.dev/provenance/v1'))]);
    expect(await verify(source, digest)).toMatchObject({ kind: 'missing' });
    // Even with the payload of one under the other’s tag.
    source.tag(digest, 'att', [signer.simple(digest)]);
    expect(await verify(source, digest)).toMatchObject({ kind: 'missing' });
  });
});

describe('several requirements', () => {
  it('any: one is enough; all: each is needed', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    const both = [signature(keyOf(signer)), signature(keyOf(other))];
    source.tag(digest, 'sig', [other.simple(digest)]);
    expect(await verify(source, digest, both, 'any')).toMatchObject({ kind: 'verified' });
    // The other may still come.
    expect(await verify(source, digest, both, 'all')).toMatchObject({ kind: 'missing' });
    source.refer(digest, bundleType, [new KeySigner().bundle(statementOf(digest))]);
    expect(await verify(source, digest, both, 'all')).toMatchObject({ kind: 'wrong' });
    source.tag(digest, 'sig', [other.simple(digest), signer.simple(digest)]);
    const verdict = await verify(source, digest, both, 'all');
    expect(verdict).toMatchObject({ kind: 'verified', verified: { signatures: { length: 2 } } });
  });
});

describe('hostile content', () => {
  it.each([
    ['not JSON', '{'],
    ['not UTF-8', Buffer.from([0xff, 0xfe])],
    ['a number', '1'],
    ['without an image', '{"critical":{"type":"cosign container image signature"}}'],
    ['deeper than the stack', `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
    ['of another type', simplePayload(`sha256:${'0'.repeat(64)}`, 'atomic container signature')],
    ['with a prototype', '{"__proto__":{"critical":{}}}'],
  ])('is wrong: a payload that is %s', async (_, content) => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    const annotations = { 'dev.cosignproject.cosign/signature': signer.sign(Buffer.from(content)) };
    source.tag(digest, 'sig', [{ mediaType: simpleSigningType, content, annotations }]);
    expect(await verify(source, digest)).toMatchObject({ kind: 'wrong' });
  });

  it.each([
    '',
    'null',
    '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}',
    '{"mediaType":1,"verificationMaterial":[],"dsseEnvelope":{"signatures":[null]}}',
  ])('is wrong: the bundle %j', async (content) => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    source.refer(digest, bundleType, [{ mediaType: bundleType, content }]);
    expect(await verify(source, digest)).toMatchObject({ kind: 'wrong' });
  });

  it('is not read if it is huge, and the reason says so', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    source.blob = () => Promise.reject(new Error('nobody reads this'));
    source.tag(digest, 'sig', [{ mediaType: simpleSigningType, content: Buffer.alloc(17 * 1024 * 1024) }]);
    expect(await verify(source, digest)).toMatchObject({
      kind: 'wrong',
      reason: expect.stringContaining('it has 17825792 bytes, and at most 16777216 are read'),
    });
  });

  it('a thousand signatures: the newest are read, and the reason says that there are more', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    const wrong = other.simple(digest);
    const layers = Array.from({ length: 1000 }, () => wrong);
    const blobs: string[] = [];
    const { blob } = source;
    source.blob = (descriptor, options) => {
      blobs.push(descriptor.digest);
      return blob.call(source, descriptor, options);
    };
    source.tag(digest, 'sig', [...layers, signer.simple(digest)]);
    expect(await verify(source, digest)).toMatchObject({ kind: 'verified' });
    expect(blobs).toHaveLength(1);
    source.tag(digest, 'sig', [signer.simple(digest), ...layers]);
    const verdict = await verify(source, digest);
    expect(verdict).toMatchObject({ kind: 'wrong', reason: expect.stringContaining('only the newest 200') });
    expect(blobs.length).toBeLessThanOrEqual(201);
    expect('reason' in verdict && verdict.reason.length).toBeLessThan(3_000);
  });

  it('can’t forge lines of a log through what it names', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    source.tag(digest, 'sig', [signer.simple('x\nINFO verified\u202e')]);
    const verdict = await verify(source, digest);
    expect('reason' in verdict && verdict.reason).toMatch(/it signs “x INFO verified ?”/);
  });
});

describe('a registry that does not answer', () => {
  const failure = new RegistryError(
    { side: 'upstream', registry: 'up.example', operation: 'get manifest' },
    { code: 'UNAVAILABLE', status: 503, reason: 'busy', temporary: true },
  );

  it.each(['tagDigest', 'referrers', 'manifest', 'blob'] as const)(
    'is an error, never missing: %s',
    async (method) => {
      const source = new SignedRepository();
      const { digest } = source.image('app');
      source.tag(digest, 'sig', [other.simple(digest)]);
      Object.assign(source, { [method]: () => Promise.reject(failure) });
      await expect(verify(source, digest)).rejects.toBe(failure);
    },
  );

  it('no longer has what it lists: the rest counts', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    const gone = source.refer(digest, bundleType, [other.bundle(statementOf(digest))]);
    const manifest = source.manifest.bind(source);
    const status = (code: string) =>
      new RegistryError(
        { side: 'upstream', registry: 'up.example', operation: 'get manifest' },
        { code, status: 404, reason: 'gone' },
      );
    source.manifest = async (reference, options) => {
      if (reference === gone.digest) throw status('MANIFEST_UNKNOWN');
      return await manifest(reference, options);
    };
    expect(await verify(source, digest)).toMatchObject({ kind: 'missing' });
    source.refer(digest, bundleType, [signer.bundle(statementOf(digest))]);
    expect(await verify(source, digest)).toMatchObject({ kind: 'verified' });
    source.blob = () => Promise.reject(status('BLOB_UNKNOWN'));
    expect(await verify(source, digest)).toMatchObject({ kind: 'missing' });
  });

  it('serves other bytes than it names: an error, too', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    const manifest = source.tag(digest, 'sig', [signer.simple(digest)]);
    const [layer] = manifest.kind === 'image' ? manifest.layers : [];
    if (layer) source.blobs.set(layer.digest, Buffer.from('other'));
    await expect(verify(source, digest)).rejects.toMatchObject({ code: 'DIGEST_INVALID', temporary: true });
  });

  it('ends with its signal', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    source.tag(digest, 'sig', [signer.simple(digest)]);
    const verification: Verification = { match: 'any', requirements: [signature()] };
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(verifyImage({ image: 'a', digest, source, verification }, { signal })).rejects.toThrow(
      'enough',
    );
  });
});
