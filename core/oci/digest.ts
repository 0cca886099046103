import { createHash } from 'node:crypto';

/**
 * A content digest, `algorithm:hex`, as in the image specification. sha256 and sha512 are the two
 * of its registered algorithms that registries serve.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests
 */
export type Digest = `sha256:${string}` | `sha512:${string}`;

export type DigestAlgorithm = 'sha256' | 'sha512';

/** Lower-case hex of the algorithm's exact length: image-spec, "Registered algorithms". */
const digestPattern = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/**
 * A value is not a digest. The message quotes the value (shortened) and says what a digest looks
 * like.
 */
export class InvalidDigestError extends Error {
  readonly input: string;
  constructor(input: string) {
    const shown = JSON.stringify(input.length > 150 ? `${input.slice(0, 150)}…` : input);
    super(
      `invalid digest ${shown}: write sha256: and 64, or sha512: and 128, hexadecimal digits in lower case`,
    );
    this.name = 'InvalidDigestError';
    this.input = input;
  }
}

/** Whether a value of any type is a digest that `parseDigest` would accept. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && digestPattern.test(text);
}

/** The text as a digest; throws `InvalidDigestError`. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw new InvalidDigestError(text);
  return text;
}

/** `sha256` or `sha512`. */
export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** The digest of bytes in memory. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** A digest that is computed while bytes pass through. */
export interface DigestVerifier {
  /** Takes the next bytes; throws after `digest` was called. */
  update(chunk: Uint8Array): void;
  /** The digest of everything so far; may be called more than once. */
  digest(): Digest;
}

/** Begins an incremental digest. */
export function createDigester(algorithm: DigestAlgorithm): DigestVerifier {
  const hash = createHash(algorithm);
  let result: Digest | undefined;
  return {
    update(chunk) {
      hash.update(chunk);
    },
    digest() {
      result ??= `${algorithm}:${hash.digest('hex')}`;
      return result;
    },
  };
}
