import { describe, expect, it } from 'vitest';
import { expectHeldSize } from '../../../../core/copy/blob/verify.ts';
import { blobOf } from '../../../support/memory-image.ts';

describe('the size of a blob that a repository holds', () => {
  const blob = blobOf('held');

  it('may match its descriptor, or be unknown', () => {
    expect(() => expectHeldSize('mirror/app', blob, 4)).not.toThrow();
    expect(() => expectHeldSize('mirror/app', blob, undefined)).not.toThrow();
  });

  it.each([0, 3, 5])('shows that the descriptor lies: %s instead of 4', (size) => {
    const check = () => expectHeldSize('mirror/app', blob, size);
    expect(check).toThrow(
      `${blob.digest}: mirror/app holds it with ${size} bytes, but its descriptor says 4`,
    );
    expect(check).toThrow(
      expect.objectContaining({ code: 'SIZE_INVALID', side: 'upstream', temporary: false }),
    );
  });
});
