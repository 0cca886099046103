import { describe, expect, it } from 'vitest';
import { nearest } from '../../../core/mirror-yaml/nearest.ts';

const keys = ['registry', 'endpoint', 'authHosts', 'credentials', 'webhook', 'repositories'];

describe('nearest', () => {
  it.each([
    ['registy', 'registry'],
    ['repositores', 'repositories'],
    ['authhosts', 'authHosts'],
    ['wehbook', 'webhook'],
    ['Webhook', 'webhook'],
  ])('finds what %s was meant to be', (word, meant) => expect(nearest(word, keys)).toBe(meant));

  it.each(['', 'x', 'host', 'match', 'repo'])('guesses nothing for %s', (word) =>
    expect(nearest(word, keys)).toBeUndefined(),
  );

  it('takes the nearer of two', () => expect(nearest('tags', ['tag', 'tagsX', 'tags'])).toBe('tags'));
});
