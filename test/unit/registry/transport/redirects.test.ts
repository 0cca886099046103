import { describe, expect, it } from 'vitest';
import { isRedirect, nextHop, resolveLocation } from '../../../../core/registry/transport/redirects.ts';

const endpoint = new URL('https://r.example');
const from = new URL('https://r.example/v2/a/blobs/x');

const hostsOf = (endpoint: URL, redirectHosts: string[] = []) => ({ endpoint, authHosts: [], redirectHosts });

describe('resolveLocation', () => {
  it.each([
    ['/v2/a/blobs/uploads/1?_state=x', 'https://r.example/v2/a/blobs/uploads/1?_state=x', true],
    ['uploads/1', 'https://r.example/v2/a/blobs/uploads/1', true],
    ['https://r.example:443/y', 'https://r.example/y', true],
    ['https://R.EXAMPLE/y#fragment', 'https://r.example/y', true],
    ['https://r.example:8443/y', 'https://r.example:8443/y', false],
    ['https://cdn.example/y', 'https://cdn.example/y', false],
    ['//cdn.example/y', 'https://cdn.example/y', false],
    ['https://r.example.evil.example/y', 'https://r.example.evil.example/y', false],
  ])('%s leads to %s (same origin: %s)', (location, href, sameOrigin) => {
    expect(resolveLocation(hostsOf(endpoint), from, location)).toEqual({
      ok: true,
      url: new URL(href),
      sameOrigin,
    });
  });

  it.each([
    [undefined, /no Location/],
    ['', /no Location/],
    ['http://[', /not a URL/],
    ['http://r.example/y', /from https to http \(r\.example\)/],
    ['file:///etc/passwd', /scheme file:/],
    ['data:text/plain,x', /scheme data:/],
    ['https://user:secret@r.example/y', /names a user/],
    ['https://169.254.169.254/latest/meta-data', /leads to a link-local address, 169\.254\.169\.254/],
    ['//localhost:9001/2018-06-01/runtime/invocation/next', /leads to a loopback address, localhost:9001/],
    ['https://10.0.0.7/', /leads to a private address/],
  ])('refuses %j', (location, reason) => {
    const result = resolveLocation(hostsOf(endpoint), from, location);
    expect(result).toMatchObject({ ok: false, reason: expect.stringMatching(reason) });
    expect(JSON.stringify(result)).not.toContain('secret');
  });

  it('follows an internal endpoint to addresses of its kind', () => {
    const inside = new URL('http://10.0.0.1:5000/');
    const kinds = [
      'http://10.0.0.2/x',
      'http://127.0.0.1/x',
      'http://169.254.169.254/x',
      'http://10.0.0.1/x',
    ];
    expect(kinds.map((location) => resolveLocation(hostsOf(inside), inside, location).ok)).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  it('follows to private addresses that are listed, and never to link-local ones', () => {
    const listed = ['10.0.0.7', '169.254.169.254', '[fd00:ec2::254]', '169.254.170.2'];
    const followed = listed.map((host) =>
      resolveLocation(hostsOf(endpoint, listed), from, `https://${host}/x`),
    );
    expect(followed.map(({ ok }) => ok)).toEqual([true, false, false, false]);
    expect(followed[1]).toMatchObject({ reason: expect.stringContaining('a link-local address') });
  });

  it('lets http change to https, as another origin', () => {
    const result = resolveLocation(hostsOf(endpoint), new URL('http://r.example/x'), 'https://r.example/x');
    expect(result).toMatchObject({ ok: true, sameOrigin: false });
  });
});

describe('nextHop', () => {
  const hops = (count: number) => Array.from({ length: count }, (_, i) => new URL(`https://r.example/${i}`));

  it('follows five redirects and not a sixth', () => {
    expect(nextHop(hostsOf(endpoint), hops(5), '/next')).toMatchObject({ ok: true });
    expect(nextHop(hostsOf(endpoint), hops(6), '/next')).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/more than 5/),
    });
  });

  it('recognises a cycle', () => {
    expect(nextHop(hostsOf(endpoint), hops(3), '/0')).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/circle/),
    });
    expect(nextHop(hostsOf(endpoint), hops(1), '/0#elsewhere')).toMatchObject({ ok: false });
  });

  it('judges by the hop that answered, not by the first', () => {
    const chain = [new URL('http://r.example/0'), new URL('https://r.example/1')];
    expect(nextHop(hostsOf(endpoint), chain, 'http://r.example/2')).toMatchObject({ ok: false });
  });
});

it('knows the statuses that redirect a read', () => {
  const statuses = Array.from({ length: 100 }, (_, i) => 300 + i);
  expect(statuses.filter(isRedirect)).toEqual([301, 302, 303, 307, 308]);
});
