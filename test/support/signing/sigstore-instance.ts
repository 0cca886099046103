import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { initializeCA, initializeCTLog, initializeTLog, initializeTSA } from '@sigstore/mock';
import { vi } from 'vitest';
import { preAuthEncoding, simplePayload, statementType } from './key-signer.ts';
import { bundleType, envelopeType, type SignatureLayer, simpleSigningType } from './signed-repository.ts';

export const issuer = 'https://token.actions.githubusercontent.com';
export const identity = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main';

/** A log's answer: https://github.com/sigstore/rekor/blob/main/openapi.yaml (LogEntry). */
interface LogEntry {
  body: string;
  integratedTime: number;
  logIndex: number;
  logID: string;
  verification?: {
    signedEntryTimestamp: string;
    inclusionProof: { logIndex: number; rootHash: string; treeSize: number; checkpoint: string };
  };
}

const pair = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

/** What a signature is made with. */
export interface KeylessOptions {
  identity?: string;
  issuer?: string;
  /** Who tells when it was signed. */
  time?: 'log' | 'timestamp' | 'none';
}

/**
 * Sigstore's services with keys of their own: a certificate authority, its log of certificates, a
 * transparency log and a timestamp authority. Their clock may stand in the past: certificates,
 * valid for ten minutes, have then long expired.
 */
export async function startSigstore({
  clock,
  logClock,
}: {
  clock?: Date | undefined;
  logClock?: Date | undefined;
} = {}) {
  const keys = { ca: pair(), ct: pair(), log: pair(), tsa: pair() };
  const ct = await initializeCTLog(keys.ct, clock);
  const ca = await initializeCA(keys.ca, ct, clock);
  const log = await initializeTLog('https://rekor.example', keys.log, logClock ?? clock);
  const tsa = await initializeTSA(keys.tsa, logClock ?? clock);

  const since = '2020-01-01T00:00:00Z';
  const logOf = (baseUrl: string, publicKey: Buffer) => ({
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: publicKey.toString('base64'),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      validFor: { start: since },
    },
    logId: { keyId: createHash('sha256').update(publicKey).digest('base64') },
  });
  const authorityOf = (...certificates: ArrayBufferView[]) => ({
    subject: { organization: 'example', commonName: 'example' },
    certChain: { certificates: certificates.map((bytes) => ({ rawBytes: base64(bytes) })) },
    validFor: { start: since },
  });
  const root = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [logOf('https://rekor.example', log.publicKey)],
    certificateAuthorities: [authorityOf(ca.rootCertificate)],
    ctlogs: [logOf('https://ct.example', ct.publicKey)],
    timestampAuthorities: [authorityOf(tsa.intCertificate, tsa.rootCertificate)],
  };

  const certificateFor = async (publicKey: KeyObject, options: KeylessOptions): Promise<Buffer> => {
    const certificate = await ca.issueCertificate({
      publicKey: publicKey.export({ type: 'spki', format: 'der' }) as Buffer<ArrayBuffer>,
      subjectAltName: options.identity ?? identity,
      extensions: [
        { oid: '1.3.6.1.4.1.57264.1.1', value: options.issuer ?? issuer, legacy: true },
        { oid: '1.3.6.1.4.1.57264.1.8', value: options.issuer ?? issuer },
      ],
    });
    return Buffer.from(certificate.buffer, certificate.byteOffset, certificate.byteLength);
  };

  const timestampOf = async (signature: Buffer): Promise<string> => {
    // @sigstore/core does not read fractions of a second that end in 0, which DER leaves out.
    vi.useFakeTimers({ toFake: ['Date'], now: Math.ceil(Date.now() / 1000) * 1000 });
    try {
      return base64(
        await tsa.timestamp({
          artifactHash: createHash('sha256').update(signature).digest(),
          hashAlgorithmOID: '2.16.840.1.101.3.4.2.1',
          nonce: 1,
          policyOID: '1.3.6.1.4.1.57264.2',
          certReq: true,
        }),
      );
    } finally {
      vi.useRealTimers();
    }
  };

  const logged = async (entry: object) => Object.values((await log.log(entry)) as Record<string, LogEntry>);

  /** Signs a message with a fresh key and certificate, and has it logged. */
  async function signed(
    message: Buffer,
    entryOf: (signature: string, pem: string) => object,
    options: KeylessOptions,
  ) {
    const { publicKey, privateKey } = pair();
    const certificate = await certificateFor(publicKey, options);
    const pem = `-----BEGIN CERTIFICATE-----\n${certificate
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n')}\n-----END CERTIFICATE-----\n`;
    const signature = sign('sha256', message, privateKey);
    const { time = 'log' } = options;
    const [entry] = time === 'log' ? await logged(entryOf(signature.toString('base64'), pem)) : [];
    const timestamp = time === 'timestamp' ? await timestampOf(signature) : undefined;
    return { signature: signature.toString('base64'), certificate, pem, entry, timestamp };
  }

  const annotationsOf = ({ pem, entry, timestamp }: Awaited<ReturnType<typeof signed>>) => ({
    'dev.sigstore.cosign/certificate': pem,
    ...(entry && {
      'dev.sigstore.cosign/bundle': JSON.stringify({
        SignedEntryTimestamp: entry.verification?.signedEntryTimestamp,
        Payload: {
          body: entry.body,
          integratedTime: entry.integratedTime,
          logIndex: entry.logIndex,
          logID: entry.logID,
        },
      }),
    }),
    ...(timestamp && {
      'dev.sigstore.cosign/rfc3161timestamp': JSON.stringify({ SignedRFC3161Timestamp: timestamp }),
    }),
  });

  return {
    trustedRoot: JSON.stringify(root),
    /** The same without its transparency log: an instance that only has timestamps. */
    trustedRootWithoutLog: JSON.stringify({ ...root, tlogs: [] }),

    /** A layer under the tag `.sig`. */
    async simple(digest: string, options: KeylessOptions = {}): Promise<SignatureLayer> {
      const payload = simplePayload(digest);
      const made = await signed(payload, (signature, pem) => hashedRecord(payload, signature, pem), options);
      return {
        mediaType: simpleSigningType,
        content: payload,
        annotations: { 'dev.cosignproject.cosign/signature': made.signature, ...annotationsOf(made) },
      };
    },

    /** A layer under the tag `.att`. */
    async envelope(payload: Buffer, options: KeylessOptions = {}): Promise<SignatureLayer> {
      const made = await signed(
        preAuthEncoding(payload),
        (sig, pem) => envelopeRecord(payload, sig, pem),
        options,
      );
      return {
        mediaType: envelopeType,
        content: JSON.stringify(envelopeOf(payload, made.signature)),
        annotations: annotationsOf(made),
      };
    },

    /** The layer of a referrer. */
    async bundle(payload: Buffer, options: KeylessOptions = {}): Promise<SignatureLayer> {
      const made = await signed(
        preAuthEncoding(payload),
        (sig, pem) => envelopeRecord(payload, sig, pem),
        options,
      );
      const { entry, timestamp } = made;
      const proof = entry?.verification?.inclusionProof;
      return {
        mediaType: bundleType,
        content: JSON.stringify({
          mediaType: bundleType,
          verificationMaterial: {
            certificate: { rawBytes: made.certificate.toString('base64') },
            tlogEntries:
              entry && proof
                ? [
                    {
                      logIndex: String(entry.logIndex),
                      logId: { keyId: Buffer.from(entry.logID, 'hex').toString('base64') },
                      kindVersion: { kind: 'dsse', version: '0.0.1' },
                      integratedTime: String(entry.integratedTime),
                      inclusionPromise: { signedEntryTimestamp: entry.verification?.signedEntryTimestamp },
                      inclusionProof: {
                        logIndex: String(proof.logIndex),
                        rootHash: Buffer.from(proof.rootHash, 'hex').toString('base64'),
                        treeSize: String(proof.treeSize),
                        hashes: [],
                        checkpoint: { envelope: proof.checkpoint },
                      },
                      canonicalizedBody: entry.body,
                    },
                  ]
                : [],
            timestampVerificationData: {
              rfc3161Timestamps: timestamp ? [{ signedTimestamp: timestamp }] : [],
            },
          },
          dsseEnvelope: envelopeOf(payload, made.signature),
        }),
      };
    },
  };
}

/** An instance of Sigstore. */
export type Sigstore = Awaited<ReturnType<typeof startSigstore>>;

/** The rule that accepts this instance's signatures. */
export function keylessAuthority(trustedRoot: string, more: object = {}) {
  return {
    kind: 'keyless' as const,
    issuer: { equals: issuer },
    identity: { equals: identity },
    trustedRoot,
    ...more,
  };
}

function base64(view: ArrayBufferView): string {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64');
}

function envelopeOf(payload: Buffer, sig: string) {
  return {
    payloadType: statementType,
    payload: payload.toString('base64'),
    signatures: [{ sig, keyid: '' }],
  };
}

function hashedRecord(payload: Buffer, signature: string, pem: string) {
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: 'sha256', value: createHash('sha256').update(payload).digest('hex') } },
      signature: { content: signature, publicKey: { content: Buffer.from(pem).toString('base64') } },
    },
  };
}

function envelopeRecord(payload: Buffer, signature: string, pem: string) {
  return {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      payloadHash: { algorithm: 'sha256', value: createHash('sha256').update(payload).digest('hex') },
      signatures: [{ signature, verifier: Buffer.from(pem).toString('base64') }],
    },
  };
}
