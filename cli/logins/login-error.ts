import { DrayageError, type Retry } from '../../core/errors.ts';

/**
 * A login can't be read or used. The registry client puts side, registry and operation before the
 * message.
 */
export class LoginError extends DrayageError {
  override readonly name = 'LoginError';
  readonly code = 'CREDENTIALS_UNAVAILABLE';
  readonly side = 'drayage';
  readonly retry: Retry = { kind: 'never' };
  readonly remedy: string;

  /**
   * @param message never holds a secret: neither a file's contents nor a login that a helper
   *   printed
   */
  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
