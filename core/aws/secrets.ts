import {
  GetSecretValueCommand,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
  SecretsManagerServiceException,
} from '@aws-sdk/client-secrets-manager';
import { DrayageError, type Retry } from '../errors.ts';
import { serviceFailure, timeouts } from './connection.ts';

interface SecretFailure extends ErrorOptions {
  /** What follows the secret's name in the message. */
  problem: string;
  remedy: string;
  /** Whether the problem may resolve by itself; default false. */
  temporary?: boolean;
}

/** A secret could not be read or has the wrong format. Its value is never reported. */
export class SecretError extends DrayageError {
  override readonly name = 'SecretError';
  /**
   * `SECRET_UNUSABLE`: the secret must be changed. `SECRET_UNAVAILABLE`: Secrets Manager can't be
   * reached now.
   */
  readonly code: 'SECRET_UNUSABLE' | 'SECRET_UNAVAILABLE';
  readonly side = 'upstream';
  readonly remedy: string;
  readonly retry: Retry;

  constructor(secret: string, { problem, remedy, temporary = false, ...options }: SecretFailure) {
    super(`the secret ${secret} ${problem}`, options);
    this.retry = { kind: temporary ? 'backoff' : 'never' };
    this.code = temporary ? 'SECRET_UNAVAILABLE' : 'SECRET_UNUSABLE';
    this.remedy = remedy;
  }
}

/** Values are read again after this time, so that a rotation is noticed. */
const cacheMs = 5 * 60_000;

/**
 * Reads secrets from Secrets Manager, each at most once in five minutes unless a fresh value is
 * requested.
 */
export class SecretReader {
  readonly #client: SecretsManagerClient;
  readonly #cache = new Map<string, { until: number; value: Promise<Record<string, unknown>> }>();

  /** @param config endpoint, region and credentials; by default from the environment. */
  constructor(config: SecretsManagerClientConfig = {}) {
    this.#client = new SecretsManagerClient({ requestHandler: timeouts(5_000), ...config });
  }

  /** The secret's JSON object. @throws SecretError if it can't be read. */
  async read(secret: string, options: { fresh?: boolean } = {}): Promise<Record<string, unknown>> {
    const cached = this.#cache.get(secret);
    if (cached && cached.until > Date.now() && !options.fresh) return await cached.value;
    const entry = { until: Date.now() + cacheMs, value: this.#fetch(secret) };
    if (cached && cached.until > Date.now()) {
      // Only once it is there: the cached value survives a fresh read that fails.
      await entry.value;
      this.#cache.set(secret, entry);
      return await entry.value;
    }
    this.#cache.set(secret, entry);
    entry.value.catch(() => {
      if (this.#cache.get(secret) === entry) this.#cache.delete(secret);
    });
    return await entry.value;
  }

  /** One text field of the secret. */
  async readField(secret: string, field: string, options?: { fresh?: boolean }): Promise<string> {
    return (await this.readFields(secret, [field], options))[field] as string;
  }

  /** Several text fields of the same version of the secret. */
  async readFields<Field extends string>(
    secret: string,
    fields: readonly Field[],
    options?: { fresh?: boolean },
  ): Promise<Record<Field, string>> {
    const value = await this.read(secret, options);
    const entries = fields.map((field) => {
      const text = value[field];
      if (typeof text === 'string' && text !== '') return [field, text];
      throw new SecretError(secret, {
        problem: `has no text in its field "${field}"`,
        remedy: `store JSON such as {"${field}": "…"} in it`,
      });
    });
    return Object.fromEntries(entries) as Record<Field, string>;
  }

  async #fetch(secret: string): Promise<Record<string, unknown>> {
    let text: string | undefined;
    try {
      text = (await this.#client.send(new GetSecretValueCommand({ SecretId: secret }))).SecretString;
    } catch (error) {
      throw explained(secret, error);
    }
    try {
      const value: unknown = JSON.parse(text ?? '');
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        return value as Record<string, unknown>;
    } catch {
      // reported below, without the value
    }
    throw new SecretError(secret, {
      problem: 'is not a JSON object',
      remedy: 'store JSON such as {"username": "…", "password": "…"} in it',
    });
  }
}

/**
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html#API_GetSecretValue_Errors
 */
const remedies: Readonly<Record<string, string>> = {
  ResourceNotFoundException: 'create it under this name, in this account and region',
  AccessDeniedException:
    'create it under this name, in this account and region, and let the function read it and use its KMS key',
  DecryptionFailure: 'let the function decrypt with the KMS key of the secret',
  InvalidRequestException: 'restore it if it is scheduled for deletion, and give it a value',
  InvalidParameterException: 'check the name of the secret',
};

/**
 * What an answer or a failure of Secrets Manager means. Anything else is returned as it is: a bug
 * of ours.
 */
function explained(secret: string, error: unknown): unknown {
  const failure = serviceFailure(error, SecretsManagerServiceException, remedies);
  if (failure === undefined) return error;
  const { name, message } = failure.error;
  if (failure.kind === 'refused')
    return new SecretError(secret, { problem: `can't be read (${name})`, remedy: failure.remedy });
  return new SecretError(secret, {
    problem: `can't be read now: ${message || name}`,
    remedy:
      'Secrets Manager is unreachable, busy or refuses the request: wait, and check the function’s network and its endpoint',
    temporary: true,
    cause: error,
  });
}
