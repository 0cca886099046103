import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Digest } from '../../../core/oci/digest.ts';
import { bundleType, envelopeType, type SignatureLayer, simpleSigningType } from './signed-repository.ts';

const signatureStatement = 'https://sigstore.dev/cosign/sign/v1';
export const statementType = 'application/vnd.in-toto+json';

/** The payload that cosign signs. */
export function simplePayload(digest: string, type = 'cosign container image signature'): Buffer {
  const critical = {
    identity: { 'docker-reference': 'up.example/app' },
    image: { 'docker-manifest-digest': digest },
    type,
  };
  return Buffer.from(JSON.stringify({ critical, optional: null }));
}

/** A statement about an image. */
export function statementOf(
  digest: Digest,
  predicateType = signatureStatement,
  predicate: unknown = {},
): Buffer {
  const [algorithm = '', hex = ''] = digest.split(':');
  return Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'up.example/app', digest: { [algorithm]: hex } }],
      predicateType,
      predicate,
    }),
  );
}

/** What is signed of an envelope. */
export function preAuthEncoding(payload: Uint8Array, type = statementType): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);
}

/** Signs with a plain key, as `cosign sign --key` does. */
export class KeySigner {
  readonly publicKey: KeyObject;
  readonly #privateKey: KeyObject;
  readonly #hash: string | null;

  constructor(
    pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
    hash: string | null = 'sha256',
  ) {
    this.publicKey = pair.publicKey;
    this.#privateKey = pair.privateKey;
    this.#hash = hash;
  }

  get pem(): string {
    return this.publicKey.export({ type: 'spki', format: 'pem' }) as string;
  }

  get privatePem(): string {
    return this.#privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  }

  sign(message: Uint8Array): string {
    return sign(this.#hash, message, this.#privateKey).toString('base64');
  }

  /** A layer under the tag `.sig`. */
  simple(digest: string, payload = simplePayload(digest)): SignatureLayer {
    return {
      mediaType: simpleSigningType,
      content: payload,
      annotations: { 'dev.cosignproject.cosign/signature': this.sign(payload) },
    };
  }

  /** A layer under the tag `.att`. */
  envelope(payload: Uint8Array): SignatureLayer {
    return {
      mediaType: envelopeType,
      content: JSON.stringify({
        payloadType: statementType,
        payload: Buffer.from(payload).toString('base64'),
        signatures: [{ keyid: '', sig: this.sign(preAuthEncoding(payload)) }],
      }),
    };
  }

  /** The layer of a referrer. */
  bundle(payload: Uint8Array): SignatureLayer {
    return {
      mediaType: bundleType,
      content: JSON.stringify({
        mediaType: bundleType,
        verificationMaterial: { publicKey: { hint: 'x' }, tlogEntries: [] },
        dsseEnvelope: {
          payloadType: statementType,
          payload: Buffer.from(payload).toString('base64'),
          signatures: [{ sig: this.sign(preAuthEncoding(payload)) }],
        },
      }),
    };
  }
}
