import { describe, expect, it } from 'vitest';
import { mergeScopes, repositoryScope, splitScopes } from '../../../../core/registry/auth/scopes.ts';

describe('scopes', () => {
  it('names a repository and what may be done with it', () => {
    expect(repositoryScope('library/nginx', 'pull', 'push')).toBe('repository:library/nginx:pull,push');
  });

  it('merges the actions of one resource, the first list in front', () => {
    expect(
      mergeScopes(
        ['repository:b:push,pull'],
        ['repository:a:pull', 'repository:b:delete', 'repository:b:pull'],
      ),
    ).toEqual(['repository:b:delete,pull,push', 'repository:a:pull']);
  });

  it('keeps what has another form', () => {
    expect(mergeScopes(['*', 'aws'], ['repository:a:pull', '*'])).toEqual(['*', 'aws', 'repository:a:pull']);
  });

  it('keeps the colon of a host in a name', () => {
    expect(mergeScopes(['repository:host:5000/a:pull'], ['repository:host:5000/a:push'])).toEqual([
      'repository:host:5000/a:pull,push',
    ]);
  });

  it.each([
    [undefined, []],
    ['', []],
    ['repository:a:pull repository:b:pull', ['repository:a:pull', 'repository:b:pull']],
  ])('splits %j', (parameter, scopes) => {
    expect(splitScopes(parameter)).toEqual(scopes);
  });
});
