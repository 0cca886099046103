import { DrayageError, type Retry } from '../../core/errors.ts';

/**
 * A login can't be read or used. The registry client tells it with side, registry and operation
 * before it.
 */
export class LoginError extends DrayageError {
  override readonly name = 'LoginError';
  readonly code = 'CREDENTIALS_UNAVAILABLE';
  readonly side = 'drayage';
  readonly retry: Retry = { kind: 'never' };
  readonly remedy: string;

  /**
   * @param message never holds a secret: neither a file's contents nor what a helper printed for a
   * login
   */
  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
