import { randomBytes } from 'node:crypto';
import { sameSecret } from './secrets.ts';

/** How long a token is valid, according to GetAuthorizationToken (milliseconds). */
export const tokenLifetime = 12 * 60 * 60 * 1000;

/** How many expired passwords are distinguished from wrong ones. */
const rememberedPasswords = 16;

/** The password within ECR's authorization token; the user is always `AWS`. */
export class EcrPassword {
  #current: string;
  #expired: string[] = [];

  /** @param password default: random */
  constructor(password: string = randomBytes(32).toString('base64url')) {
    this.#current = password;
  }

  /** The valid password. */
  get current(): string {
    return this.#current;
  }

  /** Expires the current password, as happens after 12 hours. */
  rotate(password: string = randomBytes(32).toString('base64url')): void {
    this.#expired = [this.#current, ...this.#expired].slice(0, rememberedPasswords);
    this.#current = password;
  }

  /** Whether a user and password are valid. */
  check(username: string, password: string): 'valid' | 'expired' | 'wrong' {
    if (username !== 'AWS') return 'wrong';
    if (sameSecret(password, this.#current)) return 'valid';
    return this.#expired.some((old) => sameSecret(password, old)) ? 'expired' : 'wrong';
  }
}
