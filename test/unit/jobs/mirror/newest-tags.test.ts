import { describe, expect, it } from 'vitest';
import type { RepositoryRule } from '../../../../core/config/config.ts';
import { leftOutReason } from '../../../../core/jobs/mirror/newest-tags.ts';

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
      leftOutReason(rule, tag, tags('1.2.0', '1.10.0', '1.9.0', 'nightly')),
    ).resolves.toBeUndefined();
  });

  it('leaves out an older one, and says why', async () => {
    expect(await leftOutReason(rule, '1.2.0', tags('1.2.0', '1.10.0', '1.9.0'))).toEqual({
      code: 'not_selected',
      message: '1.2.0 is not among the newest 2 tags of its rule',
    });
  });

  it('accepts a tag that upstream’s list does not show yet', async () => {
    await expect(leftOutReason(rule, '2.0.0', tags('1.10.0', '1.9.0'))).resolves.toBeUndefined();
    expect(await leftOutReason(rule, '1.0.0', tags('1.10.0', '1.9.0'))).toMatchObject({
      code: 'not_selected',
    });
  });

  it('lists nothing for a digest', async () => {
    const untouchable = (async function* (): AsyncGenerator<string> {
      yield await Promise.reject(new Error('the tags were listed'));
    })();
    await expect(leftOutReason(rule, `sha256:${'a'.repeat(64)}`, untouchable)).resolves.toBeUndefined();
  });
});
