import { Flights } from '../../async/flights.ts';
import { DrayageError } from '../../errors.ts';
import { type OperationContext, RegistryError, type RegistryFailure } from '../errors.ts';
import { redactText } from '../transport/redact.ts';

/** A name and its password, or a token that is used as one. */
export interface PasswordLogin {
  username: string;
  password: string;
  /** Until when it is valid, milliseconds since 1970; absent: until it is rejected. */
  expiresAt?: number;
}

/**
 * A token that only the token service accepts, for a refresh grant of OAuth 2: what `docker login`
 * calls an identity token (https://distribution.github.io/distribution/spec/auth/oauth/).
 */
export interface IdentityTokenLogin {
  identityToken: string;
}

export type Credentials = PasswordLogin | IdentityTokenLogin;

export function isSameLogin(one: Credentials, other: Credentials): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/**
 * Where credentials come from; undefined is anonymous. With `fresh`, the last ones were rejected,
 * so cached ones must not be used. A DrayageError keeps its code, its remedy and whether it is
 * temporary; any other error counts as temporary.
 */
export type CredentialSource = (options: { fresh: boolean }) => Promise<Credentials | undefined>;

/** Credentials are read again when less than this remains of their validity. */
const renewBeforeMs = 10 * 60_000;

/**
 * Keeps a registry's credentials from their first use until they expire or are rejected (ECR's are
 * valid for twelve hours, others are rotated). Concurrent requests share one read.
 */
export class CredentialKeeper {
  readonly #source: CredentialSource | undefined;
  #kept: { value: Credentials | undefined } | undefined;
  #rejected = false;
  readonly #reading = new Flights<Credentials | undefined>();

  constructor(source: CredentialSource | undefined) {
    this.#source = source;
  }

  /**
   * The credentials, or undefined for none. Throws a RegistryError if they cannot be read:
   * CREDENTIALS_UNAVAILABLE, or the code of the source's error.
   */
  async read(context: OperationContext, signal?: AbortSignal): Promise<Credentials | undefined> {
    const source = this.#source;
    if (!source) return undefined;
    if (this.#kept && isValid(this.#kept.value)) return this.#kept.value;
    const value = await this.#reading.join(
      '',
      () => readFrom(source, context, { fresh: this.#rejected }),
      signal,
    );
    this.#kept = { value };
    this.#rejected = false;
    return value;
  }

  /** The credentials as a `Basic` header. */
  async header(context: OperationContext, signal?: AbortSignal): Promise<string | undefined> {
    return basicHeader(await this.read(context, signal));
  }

  /** Forgets the credentials if they are those that a registry rejected. */
  reject(login: Credentials): void {
    const kept = this.#kept?.value;
    if (!kept || !isSameLogin(kept, login)) return;
    this.#kept = undefined;
    this.#rejected = true;
  }

  /** The same, by the header that was rejected. */
  rejectHeader(header: string): void {
    const kept = this.#kept?.value;
    if (kept && header === basicHeader(kept)) this.reject(kept);
  }

  /** Values that must not be shown, even if a registry repeats them. */
  secrets(): string[] {
    const value = this.#kept?.value;
    if (!value) return [];
    if ('identityToken' in value) return [value.identityToken];
    return [value.password, basicHeader(value)?.slice('Basic '.length) ?? ''];
  }
}

function isValid(value: Credentials | undefined): boolean {
  if (!value || !('expiresAt' in value) || value.expiresAt === undefined) return true;
  return value.expiresAt - Date.now() > renewBeforeMs;
}

async function readFrom(
  source: CredentialSource,
  context: OperationContext,
  options: { fresh: boolean },
): Promise<Credentials | undefined> {
  try {
    return await source(options);
  } catch (cause) {
    const why = redactText(cause instanceof Error ? cause.message : String(cause));
    throw new RegistryError(context, {
      code: 'CREDENTIALS_UNAVAILABLE',
      reason: `the credentials could not be read: ${why}`,
      temporary: true,
      ...toldBy(cause),
      cause,
    });
  }
}

/** What an error says about itself, if anything: a retry does not help if a secret is missing. */
function toldBy(error: unknown): Pick<RegistryFailure, 'code' | 'remedy' | 'temporary'> | undefined {
  if (!(error instanceof DrayageError)) return undefined;
  const { code, remedy, temporary } = error;
  return { code, remedy, temporary };
}

/** `Basic` with UTF-8 (RFC 7617, 2.1); undefined for an identity token, which is not a password. */
export function basicHeader(credentials: Credentials | undefined): string | undefined {
  if (!credentials || 'identityToken' in credentials) return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64')}`;
}
