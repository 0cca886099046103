import { describe, expect, it } from 'vitest';
import type { RepositoryRule } from '../../../core/config/config.ts';
import { requireNewest } from '../../../core/jobs/newest-tags.ts';

const rule: RepositoryRule = {
  match: 'library/nginx',
  tags: { include: ['*'], exclude: [], latest: 2 },
  referrers: true,
  deleted: 'keep',
};

async function* tags(...names: string[]): AsyncGenerator<string> {
  yield* names;
}

describe('a rule for the newest tags', () => {
  it.each(['1.10.0', '1.9.0'])('takes %s, one of the newest by version', async (tag) => {
    await expect(
      requireNewest(rule, tag, tags('1.2.0', '1.10.0', '1.9.0', 'nightly')),
    ).resolves.toBeUndefined();
  });

  it('leaves out an older one, and says why', async () => {
    const check = requireNewest(rule, '1.2.0', tags('1.2.0', '1.10.0', '1.9.0'));
    await expect(check).rejects.toMatchObject({ code: 'not_selected', side: 'drayage', temporary: false });
    await expect(check).rejects.toThrow('1.2.0 is not among the newest 2 tags');
  });

  it('takes a tag that upstream’s list does not show yet', async () => {
    await expect(requireNewest(rule, '2.0.0', tags('1.10.0', '1.9.0'))).resolves.toBeUndefined();
    await expect(requireNewest(rule, '1.0.0', tags('1.10.0', '1.9.0'))).rejects.toThrow(
      'not among the newest',
    );
  });

  it('lists nothing for a digest', async () => {
    const untouchable = (async function* (): AsyncGenerator<string> {
      yield await Promise.reject(new Error('the tags were listed'));
    })();
    await expect(requireNewest(rule, `sha256:${'a'.repeat(64)}`, untouchable)).resolves.toBeUndefined();
  });
});
