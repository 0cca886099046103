import {
  GetPublicKeyCommand,
  KMSClient,
  type KMSClientConfig,
  KMSServiceException,
} from '@aws-sdk/client-kms';
import { orAborted } from '../async/or-aborted.ts';
import type { CallOptions } from '../copy/ports.ts';
import { DrayageError, type Retry } from '../errors.ts';
import type { KeyService } from '../verify/authority.ts';
import { serviceFailure, timeouts } from './connection.ts';

/** The public half of a key can't be read from AWS KMS, or is not one that signs. */
export class KeyServiceError extends DrayageError {
  override readonly name = 'KeyServiceError';
  /** `KEY_UNUSABLE`: the key or its policy must be changed. `KEY_UNAVAILABLE`: not now. */
  readonly code: 'KEY_UNUSABLE' | 'KEY_UNAVAILABLE';
  readonly side = 'mirror';
  readonly remedy: string;
  readonly retry: Retry;

  constructor(
    key: string,
    problem: string,
    remedy: string,
    options: ErrorOptions & { temporary?: boolean } = {},
  ) {
    const { temporary = false, ...rest } = options;
    super(`the key ${key} ${problem}`, rest);
    this.code = temporary ? 'KEY_UNAVAILABLE' : 'KEY_UNUSABLE';
    this.retry = { kind: temporary ? 'backoff' : 'never' };
    this.remedy = remedy;
  }
}

/** Keys are read again after this time: an alias can be pointed to another one. */
const cacheMs = 5 * 60_000;

/**
 * Reads public keys from AWS KMS, each at most once in five minutes; signatures are then verified
 * here. A key named by its ARN is asked for in its own region.
 */
export class KmsKeys implements KeyService {
  readonly #config: KMSClientConfig;
  readonly #clients = new Map<string, KMSClient>();
  readonly #cache = new Map<string, { until: number; value: Promise<string> }>();

  /** @param config endpoint, region and credentials; by default from the environment. */
  constructor(config: KMSClientConfig = {}) {
    this.#config = { requestHandler: timeouts(5_000), ...config };
  }

  /** The key in PEM form. @throws KeyServiceError if it can't be read. */
  async readPublicKey(keyId: string, options: CallOptions = {}): Promise<string> {
    const cached = this.#cache.get(keyId);
    if (cached && cached.until > Date.now()) return await orAborted(cached.value, options.signal);
    // Others may wait for the same key: it is fetched whoever gives up meanwhile.
    const entry = { until: Date.now() + cacheMs, value: this.#fetch(keyId) };
    this.#cache.set(keyId, entry);
    entry.value.catch(() => {
      if (this.#cache.get(keyId) === entry) this.#cache.delete(keyId);
    });
    return await orAborted(entry.value, options.signal);
  }

  async #fetch(keyId: string): Promise<string> {
    try {
      const command = new GetPublicKeyCommand({ KeyId: keyId });
      const { PublicKey, KeyUsage } = await this.#client(keyId).send(command);
      if (KeyUsage !== 'SIGN_VERIFY' || PublicKey === undefined)
        throw new KeyServiceError(
          keyId,
          'does not sign',
          'name an asymmetric key for signing and verification',
        );
      return pemOf(PublicKey);
    } catch (error) {
      throw explained(keyId, error);
    }
  }

  #client(keyId: string): KMSClient {
    const region = /^arn:[^:]*:kms:([^:]+):/.exec(keyId)?.[1] ?? '';
    const client =
      this.#clients.get(region) ?? new KMSClient({ ...this.#config, ...(region !== '' && { region }) });
    this.#clients.set(region, client);
    return client;
  }
}

/** KMS answers with the key in DER form, as in RFC 5280. */
function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN PUBLIC KEY-----\n${lines.join('\n')}\n-----END PUBLIC KEY-----\n`;
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html#API_GetPublicKey_Errors */
const remedies: Readonly<Record<string, string>> = {
  NotFoundException: 'name a key that exists, by its ARN, or an alias of this account and region',
  AccessDeniedException: 'allow kms:GetPublicKey on the key, in its policy and for who verifies',
  DisabledException: 'enable the key',
  InvalidArnException: 'write the ARN of a key or of an alias',
  InvalidKeyUsageException: 'name an asymmetric key for signing and verification',
  UnsupportedOperationException: 'name an asymmetric key for signing and verification',
  KMSInvalidStateException: 'the key is being made or deleted: name one that is enabled',
};

/** What an answer or a failure of KMS means. Anything else is returned as it is: a bug of ours. */
function explained(key: string, error: unknown): unknown {
  if (error instanceof KeyServiceError) return error;
  const failure = serviceFailure(error, KMSServiceException, remedies);
  if (failure === undefined) return error;
  const { name, message } = failure.error;
  if (failure.kind === 'refused')
    return new KeyServiceError(key, `can’t be read (${name})`, failure.remedy, { cause: error });
  return new KeyServiceError(
    key,
    `can’t be read now: ${message || name}`,
    'AWS KMS is unreachable, busy or refuses the request: wait, and check the network and the credentials',
    { temporary: true, cause: error },
  );
}
