import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Authority } from '../../../core/config/verification.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { publicTrustedRoot } from '../../../core/verify/trusted-root.ts';
import type { Verdict } from '../../../core/verify/verdict.ts';
import { imageVerifier, noKeyService } from '../../../core/verify/verify-image.ts';
import { KeySigner, statementOf } from '../../support/signing/key-signer.ts';
import {
  bundleType,
  type SignatureLayer,
  SignedRepository,
} from '../../support/signing/signed-repository.ts';
import {
  identity,
  issuer,
  keylessAuthority,
  type Sigstore,
  startSigstore,
} from '../../support/signing/sigstore-instance.ts';

const verifyImage = imageVerifier(noKeyService);

let sigstore: Sigstore;
let stranger: Sigstore;
beforeAll(async () => {
  sigstore = await startSigstore();
  stranger = await startSigstore();
});

function verify(source: SignedRepository, digest: Digest, authority: Authority): Promise<Verdict> {
  const verification = { match: 'any' as const, requirements: [{ kind: 'signature' as const, authority }] };
  return verifyImage({ image: 'up.example/app:1', digest, source, verification }, {});
}

/** An instance that began in the past: the authorities' own certificates begin with it. */
async function startedAt(clock: Date, logClock?: Date): Promise<Sigstore> {
  vi.useFakeTimers({ toFake: ['Date'], now: clock });
  try {
    return await startSigstore({ clock, logClock });
  } finally {
    vi.useRealTimers();
  }
}

type Sign = (instance: Sigstore, digest: Digest, options?: object) => Promise<SignatureLayer>;
const formats: [
  string,
  Sign,
  (source: SignedRepository, digest: Digest, layer: SignatureLayer) => unknown,
][] = [
  [
    'under cosign’s tag',
    (instance, digest, options) => instance.simple(digest, options),
    (source, digest, layer) => source.tag(digest, 'sig', [layer]),
  ],
  [
    'in a bundle',
    (instance, digest, options) => instance.bundle(statementOf(digest), options),
    (source, digest, layer) => source.refer(digest, bundleType, [layer]),
  ],
];

describe.each(formats)('a keyless signature %s', (_, sign, put) => {
  /** The verdict on an image with one signature. */
  async function verdictOn(
    options: object = {},
    authority: (root: Sigstore) => Authority = ({ trustedRoot }) => keylessAuthority(trustedRoot),
    instance = sigstore,
    root = instance,
  ): Promise<Verdict> {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    put(source, digest, await sign(instance, digest, options));
    return await verify(source, digest, authority(root));
  }

  it('counts, and tells who signed and when', async () => {
    expect(await verdictOn()).toMatchObject({
      kind: 'verified',
      verified: { signatures: [{ by: `${identity} (${issuer})`, signedAt: expect.stringMatching(/Z$/) }] },
    });
  });

  it('counts if patterns match', async () => {
    const matching = {
      issuer: { pattern: 'https://token.*' },
      identity: { pattern: 'https://github.com/acme/*' },
    };
    expect(await verdictOn({}, ({ trustedRoot }) => keylessAuthority(trustedRoot, matching))).toMatchObject({
      kind: 'verified',
    });
  });

  it('is wrong if somebody else signed', async () => {
    expect(await verdictOn({ identity: 'https://github.com/evil/app' })).toEqual({
      kind: 'wrong',
      reason: expect.stringContaining(`it is signed by “https://github.com/evil/app”, not by “${identity}”`),
    });
    // The required identity as a part of another one.
    expect(await verdictOn({ identity: `https://evil.example/?${identity}` })).toMatchObject({
      kind: 'wrong',
    });
    expect(await verdictOn({ identity: `${identity}x` })).toMatchObject({ kind: 'wrong' });
  });

  it('is wrong if somebody else vouched', async () => {
    expect(await verdictOn({ issuer: 'https://accounts.example' })).toEqual({
      kind: 'wrong',
      reason: expect.stringContaining('authenticated by “https://accounts.example”, not by'),
    });
  });

  it('is wrong if its certificate comes from an authority that is not trusted', async () => {
    const byStranger = await verdictOn({}, undefined, stranger, sigstore);
    expect(byStranger).toMatchObject({
      kind: 'wrong',
      reason: expect.stringContaining('not issued by a trusted authority'),
    });
    const publicRoot: Authority = {
      kind: 'keyless',
      issuer: { equals: issuer },
      identity: { equals: identity },
    };
    expect(await verdictOn({}, () => publicRoot)).toMatchObject({ kind: 'wrong' });
  });

  it('counts after its certificate expired, if the log saw it before', async () => {
    const old = await startedAt(new Date('2024-05-01T12:00:00Z'));
    expect(await verdictOn({}, undefined, old)).toMatchObject({
      kind: 'verified',
      verified: { signatures: [{ signedAt: '2024-05-01T12:00:00.000Z' }] },
    });
  });

  it('is wrong if the log saw it after its certificate expired', async () => {
    const late = await startedAt(new Date('2024-05-01T12:00:00Z'), new Date('2024-05-01T13:00:00Z'));
    expect(await verdictOn({}, undefined, late)).toMatchObject({
      kind: 'wrong',
      reason: expect.stringContaining('or was not valid when it was used'),
    });
  });

  it('is wrong if nobody tells when it was made', async () => {
    expect(await verdictOn({ time: 'none' })).toMatchObject({
      kind: 'wrong',
      reason: expect.stringContaining('proves when it was signed'),
    });
  });

  it('needs a log if the root has one, and only a timestamp if it has none', async () => {
    expect(await verdictOn({ time: 'timestamp' })).toMatchObject({ kind: 'wrong' });
    const withoutLog = ({ trustedRootWithoutLog }: Sigstore) => keylessAuthority(trustedRootWithoutLog);
    expect(await verdictOn({ time: 'timestamp' }, withoutLog)).toMatchObject({
      kind: 'verified',
      verified: { signatures: [{ signedAt: expect.stringMatching(/Z$/) }] },
    });
    expect(await verdictOn({ time: 'none' }, withoutLog)).toMatchObject({ kind: 'wrong' });
  });

  it('is wrong if it is another image’s', async () => {
    const source = new SignedRepository();
    const { digest } = source.image('new');
    put(source, digest, await sign(sigstore, source.image('old').digest));
    expect(await verify(source, digest, keylessAuthority(sigstore.trustedRoot))).toMatchObject({
      kind: 'wrong',
      reason: expect.stringContaining('not'),
    });
  });

  it('is wrong if a key is required', async () => {
    const { pem } = new KeySigner();
    expect(await verdictOn({}, () => ({ kind: 'key', publicKey: pem }))).toMatchObject({
      kind: 'wrong',
      reason: expect.stringContaining('it is signed with a certificate’s key'),
    });
  });
});

it('a key’s signature is wrong if none is wanted', async () => {
  const source = new SignedRepository();
  const { digest } = source.image('app');
  source.tag(digest, 'sig', [new KeySigner().simple(digest)]);
  expect(await verify(source, digest, keylessAuthority(sigstore.trustedRoot))).toMatchObject({
    kind: 'wrong',
    reason: expect.stringContaining('it is signed with a key, not with a certificate'),
  });
});

it.each(['dev.sigstore.cosign/bundle', 'dev.sigstore.cosign/certificate'])(
  'the annotation %s of another signature is wrong',
  async (name) => {
    const source = new SignedRepository();
    const { digest } = source.image('app');
    const mine = await sigstore.simple(digest);
    const theirs = await sigstore.simple(source.image('other').digest);
    for (const value of [
      theirs.annotations?.[name] ?? '',
      'no JSON',
      '{"Payload":{}}',
      '-----BEGIN CERTIFICATE-----',
    ]) {
      source.tag(digest, 'sig', [{ ...mine, annotations: { ...mine.annotations, [name]: value } }]);
      expect(await verify(source, digest, keylessAuthority(sigstore.trustedRoot)), value).toMatchObject({
        kind: 'wrong',
      });
    }
  },
);

it('a bundle with thousands of log entries is not compared with itself', async () => {
  const source = new SignedRepository();
  const { digest } = source.image('app');
  const layer = await sigstore.bundle(statementOf(digest));
  const bundle = JSON.parse(String(layer.content));
  const [entry] = bundle.verificationMaterial.tlogEntries;
  bundle.verificationMaterial.tlogEntries = Array.from({ length: 5_000 }, (_, n) => ({
    ...entry,
    integratedTime: String(Number(entry.integratedTime) + n),
  }));
  source.refer(digest, bundleType, [{ ...layer, content: JSON.stringify(bundle) }]);
  expect(await verify(source, digest, keylessAuthority(sigstore.trustedRoot))).toMatchObject({
    kind: 'wrong',
    reason: expect.stringContaining('its bundle has more than 10 log entries'),
  });
});

it('a moved time of the log is wrong: its promise covers it', async () => {
  const source = new SignedRepository();
  const { digest } = source.image('app');
  const layer = await sigstore.simple(digest);
  const entry = JSON.parse(layer.annotations?.['dev.sigstore.cosign/bundle'] ?? '');
  entry.Payload.integratedTime += 1;
  const annotations = { ...layer.annotations, 'dev.sigstore.cosign/bundle': JSON.stringify(entry) };
  source.tag(digest, 'sig', [{ ...layer, annotations }]);
  expect(await verify(source, digest, keylessAuthority(sigstore.trustedRoot))).toMatchObject({
    kind: 'wrong',
  });
});

it('the root that comes with this version has Sigstore’s public authorities', () => {
  const root = publicTrustedRoot();
  expect(root.certificateAuthorities.map(({ uri }) => uri)).toContain('https://fulcio.sigstore.dev');
  expect(root.tlogs.map(({ baseUrl }) => baseUrl)).toContain('https://rekor.sigstore.dev');
});
