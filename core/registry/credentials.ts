import { type OperationContext, RegistryError } from './errors.ts';
import { Flights } from './flights.ts';
import { redactText } from './redact.ts';

/** A name and its password, or a token that is used as one. */
export interface Credentials {
  username: string;
  password: string;
}

/** Where credentials come from; undefined is anonymous. */
export type CredentialSource = () => Promise<Credentials | undefined>;

/**
 * Keeps a registry's credentials from when they are first wanted until they are rejected (ECR's are good for twelve hours, others are
 * rotated). Requests that want them meanwhile share one reading.
 */
export class CredentialKeeper {
  readonly #source: CredentialSource | undefined;
  #kept: { value: Credentials | undefined } | undefined;
  readonly #reading = new Flights<Credentials | undefined>();

  constructor(source: CredentialSource | undefined) {
    this.#source = source;
  }

  /** The credentials, or undefined for none. Throws a RegistryError (CREDENTIALS_UNAVAILABLE) if they can not be read. */
  async read(context: OperationContext, signal?: AbortSignal): Promise<Credentials | undefined> {
    const source = this.#source;
    if (!source) return undefined;
    if (this.#kept) return this.#kept.value;
    const value = await this.#reading.join('', () => readFrom(source, context), signal);
    this.#kept = { value };
    return value;
  }

  /** The credentials as a `Basic` header. */
  async header(context: OperationContext, signal?: AbortSignal): Promise<string | undefined> {
    return basicHeader(await this.read(context, signal));
  }

  /** Forgets the credentials if they are those that a registry rejected. */
  reject(header: string): void {
    if (header === basicHeader(this.#kept?.value)) this.#kept = undefined;
  }

  /** What must not be shown though a registry repeats it. */
  secrets(): string[] {
    const value = this.#kept?.value;
    const header = basicHeader(value);
    return value && header !== undefined ? [value.password, header.slice('Basic '.length)] : [];
  }
}

async function readFrom(
  source: CredentialSource,
  context: OperationContext,
): Promise<Credentials | undefined> {
  try {
    return await source();
  } catch (cause) {
    const why = redactText(cause instanceof Error ? cause.message : String(cause));
    throw new RegistryError(context, {
      code: 'CREDENTIALS_UNAVAILABLE',
      reason: `the credentials could not be read: ${why}`,
      temporary: true,
      cause,
    });
  }
}

/** `Basic` with UTF-8 (RFC 7617, 2.1). */
function basicHeader(credentials: Credentials | undefined): string | undefined {
  if (!credentials) return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64')}`;
}
