import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fileFailure } from '../../../core/config/file-failure.ts';

describe('fileFailure', () => {
  it('explains the code of a real error', () => {
    const error = (() => {
      try {
        return readFileSync(import.meta.dirname);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(fileFailure(error, 'x')).toEqual({ reason: 'it is a folder (EISDIR)', remedy: undefined });
  });

  it.each([
    ['ENOSPC', 'the disk is full (ENOSPC)', /^free some space.*df -h data$/],
    ['EDQUOT', 'the disk quota is exceeded (EDQUOT)', /quota$/],
    ['EFBIG', 'the file would be larger than this process may write (EFBIG)', /ulimit -f$/],
    ['EROFS', 'the file system is read-only (EROFS)', /writable folder$/],
    ['EACCES', 'permission denied (EACCES)', /ls -ld data\/x data$/],
  ])('says after %s what helps', (code, reason, remedy) => {
    const failure = fileFailure(Object.assign(new Error('e'), { code }), 'data/x');
    expect(failure).toEqual({ reason, remedy: expect.stringMatching(remedy) });
  });

  it('quotes a path for the shell', () => {
    const { remedy } = fileFailure(Object.assign(new Error('e'), { code: 'EACCES' }), "my data/it's");
    expect(remedy).toBe("check owner and mode: ls -ld 'my data/it'\\''s' 'my data'");
  });

  it('keeps the message of any other error', () => {
    expect(fileFailure(new Error('no code'), 'x')).toEqual({ reason: 'no code', remedy: undefined });
  });
});
