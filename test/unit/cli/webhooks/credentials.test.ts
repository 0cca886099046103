import { describe, expect, it } from 'vitest';
import { readCredentials, tokenVariable } from '../../../../cli/webhooks/credentials.ts';

const one = new Map([['acme-hub', 'https://hub.example']]);
const two = new Map([...one, ['github', 'https://github.example']]);

describe('the credentials of upstreams', () => {
  it('belong to one upstream, or to each', () => {
    expect(tokenVariable('acme-hub')).toBe('DRAYAGE_UPSTREAM_TOKEN_ACME_HUB');
    expect(readCredentials(one, { user: 'jo' }, { DRAYAGE_UPSTREAM_TOKEN: 'a' })).toEqual(
      new Map([['acme-hub', { user: 'jo', token: 'a' }]]),
    );
    const env = { DRAYAGE_UPSTREAM_TOKEN: 'a', DRAYAGE_UPSTREAM_TOKEN_GITHUB: 'b' };
    expect([...readCredentials(two, {}, env).values()].map(({ token }) => token)).toEqual(['a', 'b']);
    expect(readCredentials(new Map(), {}, {}).size).toBe(0);
  });

  it('include a user for each upstream, if each has its own', () => {
    const env = {
      DRAYAGE_UPSTREAM_TOKEN_ACME_HUB: 'a',
      DRAYAGE_UPSTREAM_TOKEN_GITHUB: 'b',
      DRAYAGE_UPSTREAM_USER_ACME_HUB: 'amy',
    };
    const users = [...readCredentials(two, { user: 'jo' }, env).values()].map(({ user }) => user);
    expect(users).toEqual(['amy', 'jo']);
  });

  it('may be the same for webhooks of one upstream', () => {
    const same = new Map([...one, ['other', 'https://hub.example']]);
    expect(readCredentials(same, {}, { DRAYAGE_UPSTREAM_TOKEN: 'a' }).size).toBe(2);
  });

  it.each([
    [
      'are not sent to a second upstream',
      two,
      {},
      { DRAYAGE_UPSTREAM_TOKEN: 'a' },
      /can’t be for https:\/\/hub.example and/,
    ],
    ['must exist', one, {}, {}, /Set DRAYAGE_UPSTREAM_TOKEN \(or DRAYAGE_UPSTREAM_TOKEN_ACME_HUB\)/],
    ['must not break a header', one, {}, { DRAYAGE_UPSTREAM_TOKEN: 'a\nb' }, /characters that no token has/],
    ['are read from a file that must exist', one, { tokenFile: '/none' }, {}, /can’t be read: .*ENOENT/],
    ['are not empty', one, { tokenFile: '/dev/null' }, {}, /is empty/],
  ])('%s', (_, names, flags, env, expected) => {
    expect(() => readCredentials(names, flags, env)).toThrow(expected);
  });
});
