import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** A secret could not be read or has another form than it must have. The value is never told. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
  readonly code = 'SECRET_UNUSABLE';
  readonly side: 'upstream' | 'mirror';
  readonly remedy: string;
  readonly temporary = false;

  constructor(secret: string, problem: string, remedy: string) {
    super(`the secret ${secret} ${problem}`);
    this.side = 'upstream';
    this.remedy = remedy;
  }
}

/** Values are read again after this time, so that a rotation is seen. */
const cacheMs = 5 * 60_000;

/** Reads secrets of Secrets Manager, each at most once in five minutes unless asked for a fresh one. */
export class SecretReader {
  readonly #client = new SecretsManagerClient({});
  readonly #cache = new Map<string, { until: number; value: Promise<Record<string, unknown>> }>();

  /** The secret's JSON object. @throws SecretError when it can't be had. */
  async read(secret: string, options: { fresh?: boolean } = {}): Promise<Record<string, unknown>> {
    const cached = this.#cache.get(secret);
    if (cached && cached.until > Date.now() && !options.fresh) return await cached.value;
    const value = this.#fetch(secret);
    this.#cache.set(secret, { until: Date.now() + cacheMs, value });
    value.catch(() => this.#cache.delete(secret));
    return await value;
  }

  /** One text field of the secret. */
  async readField(secret: string, field: string, options?: { fresh?: boolean }): Promise<string> {
    const value = (await this.read(secret, options))[field];
    if (typeof value === 'string' && value !== '') return value;
    throw new SecretError(
      secret,
      `has no text in its field "${field}"`,
      `store JSON such as {"${field}": "…"} in it`,
    );
  }

  async #fetch(secret: string): Promise<Record<string, unknown>> {
    let text: string | undefined;
    try {
      text = (await this.#client.send(new GetSecretValueCommand({ SecretId: secret }))).SecretString;
    } catch (error) {
      const name = error instanceof Error ? error.name : 'unknown error';
      if (name === 'ResourceNotFoundException' || name === 'AccessDeniedException') {
        throw new SecretError(
          secret,
          `can't be read (${name})`,
          'create it under this name, in this account and region',
        );
      }
      throw error; // throttling, network: the caller's invocation is repeated
    }
    try {
      const value: unknown = JSON.parse(text ?? '');
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        return value as Record<string, unknown>;
    } catch {
      // told below, without the value
    }
    throw new SecretError(
      secret,
      'is no JSON object',
      'store JSON such as {"username": "…", "password": "…"} in it',
    );
  }
}
