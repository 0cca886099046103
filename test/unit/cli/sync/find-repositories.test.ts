import { describe, expect, it } from 'vitest';
import { explainer } from '../../../../cli/sync/explain.ts';
import { findRepositories } from '../../../../cli/sync/find-repositories.ts';
import { commonPath } from '../../../../cli/sync/upstreams.ts';
import type { RepositoryRule, Upstream } from '../../../../core/config/config.ts';
import { RegistryError, type RegistryFailure } from '../../../../core/registry/errors.ts';

const ruleOf = (match: string, more: Partial<RepositoryRule> = {}): RepositoryRule => ({
  match,
  tags: { include: ['*'], exclude: [] },
  referrers: true,
  deleted: 'keep',
  ...more,
});

const upstreamOf = (repositories: RepositoryRule[], more: Partial<Upstream> = {}): Upstream => ({
  registry: 'r.example',
  endpoint: 'https://r.example',
  authHosts: [],
  redirectHosts: [],
  webhooks: [],
  repositories,
  ...more,
});

const explain = explainer({ secrets: false });
const { signal } = new AbortController();

/** A registry that lists these repositories, or fails. */
function clientOf(listed: string[] | Error) {
  let asked = 0;
  return {
    get asked() {
      return asked;
    },
    async *listRepositories() {
      asked += 1;
      if (listed instanceof Error) throw listed;
      yield* listed;
    },
  };
}

const find = (upstream: Upstream, client = clientOf([])) =>
  findRepositories(upstream, client, explain, signal);

describe('the repositories that rules name', () => {
  it('are those of literal names, without a request', async () => {
    const client = clientOf(new Error('nobody should ask'));
    const { repositories } = await find(upstreamOf([ruleOf('a'), ruleOf('b/c')]), client);
    expect(repositories.map(({ repository }) => repository)).toEqual(['a', 'b/c']);
    expect(client.asked).toBe(0);
  });

  it('belong to the first rule that matches, even if a name is written later', async () => {
    const [glob, name, rest] = [ruleOf('a/*'), ruleOf('a/x'), ruleOf('**')];
    const upstream = upstreamOf([glob, name, rest]);
    const { repositories, notes } = await find(upstream, clientOf(['a/y', 'a/y', 'z']));
    expect(repositories.map(({ repository, rule }) => [repository, rule])).toEqual([
      ['a/x', glob],
      ['a/y', glob],
      ['z', rest],
    ]);
    expect(notes).toEqual([]);
  });

  it('are none for a pattern that nothing matches, with a note', async () => {
    const { repositories, notes } = await find(upstreamOf([ruleOf('a/*')]), clientOf(['b']));
    expect(repositories).toEqual([]);
    expect(notes).toEqual(['r.example lists no repository for a/*']);
  });

  it.each([
    [{ status: 401, code: 'UNAUTHORIZED', reason: 'no' }, 'CATALOG_REFUSED'],
    [{ status: 404, code: 'UNSUPPORTED', reason: 'no' }, 'CATALOG_REFUSED'],
    [{ status: 405, code: 'UNSUPPORTED', reason: 'no' }, 'CATALOG_REFUSED'],
    [{ status: 200, code: 'ANSWER_INVALID', reason: 'a web page' }, 'CATALOG_REFUSED'],
    [{ status: 429, code: 'TOOMANYREQUESTS', reason: 'later', temporary: true }, 'TOOMANYREQUESTS'],
    [{ status: 200, code: 'LINK_REFUSED', reason: 'elsewhere' }, 'LINK_REFUSED'],
    [{ code: 'CONNECTION', reason: 'refused', temporary: true }, 'CONNECTION'],
  ] satisfies [RegistryFailure, string][])(
    'fail for patterns after %j, but not for names',
    async (failure, code) => {
      const error = new RegistryError(
        { side: 'upstream', registry: 'r.example', operation: 'list repositories' },
        failure,
      );
      const { repositories, failures } = await find(
        upstreamOf([ruleOf('a/*'), ruleOf('b')]),
        clientOf(error),
      );
      expect(repositories.map(({ repository }) => repository)).toEqual(['b']);
      expect(failures).toMatchObject([{ rule: { match: 'a/*' }, error: { code } }]);
    },
  );

  it('are also those of a rule that verifies: what is not signed fails image by image', async () => {
    const requirements = [
      { kind: 'signature' as const, authority: { kind: 'kms' as const, key: 'alias/k' } },
    ];
    const verified = ruleOf('a/*', { verify: { match: 'any', requirements } });
    const { repositories, failures } = await find(upstreamOf([verified]), clientOf(['a/x']));
    expect(repositories.map(({ repository }) => repository)).toEqual(['a/x']);
    expect(failures).toEqual([]);
  });
});

describe('the path that patterns have in common', () => {
  it.each([
    [['acme/shop', 'acme/**'], 'acme'],
    [['acme/shop'], 'acme/shop'],
    [['acme/shop', 'acme/shop/api'], 'acme/shop'],
    [['acme/a*'], 'acme'],
    [['acme/a', 'acme2/a'], ''],
    [['**'], ''],
    [['acme', '**'], ''],
  ])('of %j is %j', (patterns, path) => {
    expect(commonPath(patterns)).toBe(path);
  });
});
