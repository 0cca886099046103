import { describe, expect, it } from 'vitest';
import { CopyError } from '../../../core/copy/errors.ts';

describe('an error of the copy', () => {
  it('says what it is about, what is wrong and what helps', () => {
    const error = new CopyError('SIZE_INVALID', 'up.example/app', '3 bytes came');
    expect(error.message).toBe('up.example/app: 3 bytes came');
    expect(error).toMatchObject({ code: 'SIZE_INVALID', side: 'upstream', temporary: false });
    expect(error.remedy).toContain('operator');
  });

  it('shows text from an image shortened and without control characters', () => {
    const { message } = new CopyError('SIZE_INVALID', 'a\nb'.repeat(100_000), '\u001b[31m'.repeat(100_000));
    expect(message.length).toBeLessThan(4_400);
    expect(message).not.toMatch(/\p{Cc}/u);
  });
});
