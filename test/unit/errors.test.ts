import { describe, expect, it } from 'vitest';
import { DrayageError, type Retry } from '../../core/errors.ts';

class Failure extends DrayageError {
  readonly code = 'X';
  readonly side = 'drayage';
  readonly remedy = 'none';
  readonly retry: Retry;

  constructor(retry: Retry) {
    super('it failed');
    this.retry = retry;
  }
}

describe('an error that explains itself', () => {
  it.each<[Retry, boolean]>([
    [{ kind: 'never' }, false],
    [{ kind: 'backoff' }, true],
    [{ kind: 'rate-limit', afterMs: 0 }, true],
  ])('with the retry %j is temporary: %s', (retry, temporary) => {
    expect(new Failure(retry).temporary).toBe(temporary);
  });
});
