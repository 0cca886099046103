import { describe, expect, it } from 'vitest';
import {
  addressRangeProblem,
  isAllowedAddress,
} from '../../../../core/webhooks/authenticity/allowed-address.ts';
import { publishedRanges } from '../../../../core/webhooks/authenticity/published-ranges.ts';
import { receiveWebhook } from '../../../../core/webhooks/receive.ts';
import { findSource } from '../../../../core/webhooks/sources/index.ts';
import { httpRequest } from '../../../../lambda/shared/http.ts';
import { configOf } from '../../mirror-yaml/config-text.ts';
import { requests, secretOf, secrets } from '../deliver.ts';
import { fixture } from '../fixture.ts';

describe('a list of ranges', () => {
  const ranges = ['192.0.2.0/24', '198.51.100.7/32', '2001:db8:1::/48'];

  it.each([
    '192.0.2.0',
    '192.0.2.255',
    '198.51.100.7',
    '2001:db8:1::1',
    '2001:0DB8:0001:ffff::',
    '::ffff:192.0.2.9',
  ])('allows %s', (address) => expect(isAllowedAddress(address, ranges)).toBe(true));

  it.each([
    '192.0.3.0',
    '198.51.100.8',
    '2001:db8:2::1',
    '::ffff:192.0.3.9',
    '::192.0.2.9',
    '',
    'unknown',
    '192.0.2.1, 203.0.113.9',
    '192.0.2.1:443',
    '[2001:db8:1::1]',
    '192.0.2',
    '0xc0000201',
    '192.0.2.01',
    undefined,
  ])('refuses %s', (address) => expect(isAllowedAddress(address, ranges)).toBe(false));

  it('that is empty allows nothing', () => expect(isAllowedAddress('192.0.2.1', [])).toBe(false));

  it.each(['192.0.2.0/24', '192.0.2.1/32', '2001:db8::/32', '::1/128'])('may have %s', (range) =>
    expect(addressRangeProblem(range)).toBeUndefined(),
  );

  it.each([
    '192.0.2.0',
    '192.0.2.0/33',
    '192.0.2/24',
    '2001:db8::/129',
    'fe80::%eth0/64',
    'any',
    '/8',
    '1.2.3.4/',
  ])('may not have %s', (range) =>
    expect(addressRangeProblem(range)).toContain('is not a range of addresses; write, for example'),
  );

  it.each(['0.0.0.0/0', '::/0'])('may not be open to everyone: %s', (range) =>
    expect(addressRangeProblem(range)).toContain('leave `allow` out instead'),
  );
});

describe('what senders publish', () => {
  it.each([...publishedRanges])(
    '%s is a source, with ranges, their date and their place',
    (name, published) => {
      expect(findSource(name)).toBeDefined();
      expect(published.asOf).toMatch(/^20\d\d-\d\d-\d\d$/);
      expect(published.source).toMatch(/^https:\/\//);
      for (const range of published.ranges) expect(addressRangeProblem(range)).toBeUndefined();
    },
  );
});

const withAllow = (github: string, hub = '') =>
  configOf(`
version: 1
mirror: { regions: [eu-west-1] }
upstreams:
  - registry: ghcr.io
    webhook: { source: github${github} }
    repositories: [{ match: "acme/**" }]
  - registry: docker.io
    webhook: { source: dockerhub, name: hub${hub} }
    repositories: [{ match: "**" }]
`);

describe('a webhook with `allow`', () => {
  const config = withAllow(', allow: published', ', allow: [192.0.2.0/24]');
  const push = fixture('dockerhub-push');
  const answer = async (request: Parameters<typeof receiveWebhook>[0]) => {
    const result = await receiveWebhook(request, { config, secrets });
    return result.kind === 'refused' ? `${result.status} ${result.code}` : result.kind;
  };
  const github = requests.github(fixture('github-package'));

  it('is the ranges themselves, once it is read', () => {
    const [first, second] = config.upstreams.flatMap(({ webhooks }) => webhooks);
    expect(first?.allow).toEqual(publishedRanges.get('github')?.ranges);
    expect(second?.allow).toEqual(['192.0.2.0/24']);
    expect(withAllow('').upstreams[0]?.webhooks[0]).not.toHaveProperty('allow');
  });

  it('takes deliveries from these addresses', async () => {
    expect(await answer({ ...github, sourceIp: '140.82.115.7' })).toBe('events');
    expect(await answer({ ...github, sourceIp: '2606:50c0::1' })).toBe('events');
    expect(await answer({ ...requests.hub(push), sourceIp: '192.0.2.200' })).toBe('events');
  });

  it('refuses all others, however authentic, and those whose address is unknown', async () => {
    for (const sourceIp of ['203.0.113.9', '2001:db8::1', 'x', '', undefined])
      for (const request of [github, requests.hub(push)])
        expect(await answer({ ...request, sourceIp })).toBe('403 address_not_allowed');
    expect(await answer({ ...github, method: 'OPTIONS', sourceIp: '203.0.113.9' })).toBe(
      '403 address_not_allowed',
    );
  });

  it('does not replace the proof', async () => {
    const forged = requests.github(fixture('github-package'), { 'x-hub-signature-256': 'sha256=00' });
    expect(await answer({ ...forged, sourceIp: '140.82.115.7' })).toBe('401 not_authentic');
  });

  it('does not show from elsewhere whether a token is right', async () => {
    const wrong = { ...requests.hub(push), token: `${secretOf('hub')}x`, sourceIp: '203.0.113.9' };
    expect(await answer(wrong)).toBe('404 not_found');
  });

  it('looks at the connection, and never at a header', () => {
    const request = httpRequest({
      version: '2.0',
      routeKey: '$default',
      rawPath: '/webhooks/github',
      rawQueryString: '',
      headers: { 'x-forwarded-for': '140.82.115.7, 140.82.115.8', forwarded: 'for=140.82.115.7' },
      requestContext: {
        accountId: '1',
        apiId: 'a',
        domainName: 'api.example',
        domainPrefix: 'api',
        http: { method: 'POST', path: '/', protocol: 'HTTP/1.1', sourceIp: '203.0.113.9', userAgent: '' },
        requestId: 'r',
        routeKey: '$default',
        stage: '$default',
        time: '',
        timeEpoch: 0,
      },
      isBase64Encoded: false,
    });
    expect(request.sourceIp).toBe('203.0.113.9');
  });

  it.each([
    [', allow: everyone', /published, or a list of 1 to 100 ranges/],
    [', allow: []', /published, or a list/],
    [', allow: [10.0.0.0]', /is not a range of addresses/],
    [', allow: [0.0.0.0/0]', /allows every address/],
    [', allow: [10.0.0.0/8, 10.0.0.0/8]', /is in the list already/],
  ])('is refused in mirror.yaml: %s', (allow, message) => expect(() => withAllow(allow)).toThrow(message));

  it('can’t be `published` for a sender that publishes nothing', () => {
    expect(() => withAllow('', ', allow: published')).toThrow(/publishes no addresses of its webhooks; list/);
  });
});
