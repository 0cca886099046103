import { describe, expect, it } from 'vitest';
import { maxBodyBytes, receiveWebhook, type WebhookRequest } from '../../../core/webhooks/receive.ts';
import { configOf } from '../mirror-yaml/config-text.ts';
import { bytesOf, config, githubSignature, receive, requests, secretOf, secrets } from './deliver.ts';
import { fixture } from './fixture.ts';

const push = fixture('dockerhub-push');
const githubPush = fixture('github-package');
const registryPush = fixture('distribution-push');
const unknown: WebhookRequest = { ...requests.hub(push), name: 'none' };

/** Status and code of the answer. */
async function answer(request: WebhookRequest): Promise<string> {
  const result = await receive(request);
  return result.kind === 'refused' ? `${result.status} ${result.code}` : `${result.status}`;
}

describe('the order of checks', () => {
  const large = Buffer.alloc(maxBodyBytes + 1, ' ');

  it.each<[name: string, request: WebhookRequest, expected: string]>([
    ['an unknown name', unknown, '404 not_found'],
    ['an unknown name, too large', { ...unknown, body: large }, '404 not_found'],
    ['a name of a prototype', { ...unknown, name: '__proto__' }, '404 not_found'],
    ['no token', { ...requests.hub(push), token: undefined }, '404 not_found'],
    ['an empty token', requests.hub(push, { token: '' }), '404 not_found'],
    ['a wrong token', requests.hub(push, { token: `${secretOf('hub')}x` }), '404 not_found'],
    ['the token of another webhook', requests.hub(push, { token: secretOf('registry') }), '404 not_found'],
    ['a wrong token by GET', requests.hub(push, { token: 'x', method: 'GET' }), '404 not_found'],
    ['a wrong token, too large', requests.hub(large, { token: 'x' }), '404 not_found'],
    [
      'a token where the sender signs',
      { ...requests.github(githubPush), token: secretOf('github') },
      '404 not_found',
    ],
    ['an empty token where the sender signs', { ...requests.github(githubPush), token: '' }, '404 not_found'],
    ['GET', requests.hub(push, { method: 'GET' }), '405 method_not_allowed'],
    ['OPTIONS', { ...requests.github(githubPush), method: 'OPTIONS' }, '405 method_not_allowed'],
    ['too large', requests.hub(large), '413 too_large'],
    ['too large and not signed', requests.github(large, { 'x-hub-signature-256': '' }), '413 too_large'],
    ['not signed and not JSON', requests.github('{', { 'x-hub-signature-256': 'x' }), '401 not_authentic'],
    ['not JSON', requests.hub('{"push_data":'), '400 invalid_json'],
    ['nothing', requests.hub(''), '400 invalid_json'],
    ['not UTF-8', requests.hub(Buffer.from([0x22, 0xff, 0x22])), '400 invalid_json'],
    ['not UTF-8 but signed', requests.github(Buffer.from([0x22, 0xc3, 0x22])), '400 invalid_json'],
    ['a body of exactly the limit', requests.hub(JSON.stringify(push).padEnd(maxBodyBytes)), '202'],
    ['a byte order mark', requests.hub(`\ufeff${JSON.stringify(push)}`), '202'],
    ['deeply nested JSON', requests.hub('['.repeat(400_000) + ']'.repeat(400_000)), '202'],
  ])('%s', async (_name, request, expected) => expect(await answer(request)).toBe(expected));

  it('says by which method deliveries come', async () => {
    expect(await receive(requests.hub(push, { method: 'PUT' }))).toMatchObject({
      headers: { allow: 'POST' },
    });
  });

  it('gives an unknown name and a wrong token the same answer, after the same work', async () => {
    const asked: string[] = [];
    const counting = {
      forWebhook: (name: string) => {
        asked.push(name);
        return secrets.forWebhook(name);
      },
      reread: secrets.reread,
    };
    const results = await Promise.all(
      [unknown, requests.hub(push, { token: 'x' }), { ...unknown, token: 'x' }].map((request) =>
        receiveWebhook(request, { config, secrets: counting }),
      ),
    );
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    expect(asked).toEqual(['hub', 'hub', 'hub']);
  });

  it('knows no name if there is no webhook', async () => {
    const none = configOf('version: 1\nmirror: { regions: [eu-west-1] }');
    expect(await receiveWebhook(unknown, { config: none, secrets })).toMatchObject({ status: 404 });
  });

  it('lets a failure of the secret store through', async () => {
    const broken = { forWebhook: () => Promise.reject(new Error('store is down')), reread: secrets.reread };
    await expect(receiveWebhook(requests.hub(push), { config, secrets: broken })).rejects.toThrow(
      'store is down',
    );
  });

  it('accepts nothing while there is no secret', async () => {
    const keyless = githubSignature(bytesOf(githubPush), '');
    for (const none of [[], ['']]) {
      const without = { forWebhook: async () => ({ secrets: none }), reread: secrets.reread };
      const deps = { config, secrets: without };
      expect(await receiveWebhook(requests.hub(push, { token: '' }), deps)).toMatchObject({ status: 404 });
      expect(
        await receiveWebhook(requests.github(githubPush, { 'x-hub-signature-256': keyless }), deps),
      ).toMatchObject({ status: 401 });
      expect(
        await receiveWebhook(requests.registry(registryPush, { authorization: '' }), deps),
      ).toMatchObject({
        status: 401,
      });
    }
  });
});

describe('a form', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const formOf = (body: unknown) => new URLSearchParams({ payload: JSON.stringify(body) }).toString();

  it('is verified as it was sent, and its field payload is read', async () => {
    const result = await receive(requests.github(formOf(githubPush), form));
    expect(result).toMatchObject({ kind: 'events', status: 202, ignored: [] });
    expect(result).toMatchObject({ events: [{ image: { repository: 'acme/svc/api' } }] });
  });

  it('is accepted from a sender that proves itself otherwise, also with a character set in its content type', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    expect(await receive(requests.hub(formOf(push), { headers }))).toMatchObject({
      events: [{ image: { repository: 'acme/api' } }],
    });
    const registry = requests.registry(formOf(registryPush), headers);
    expect(await receive(registry)).toMatchObject({ events: [{}] });
  });

  it.each<[name: string, request: WebhookRequest, expected: string]>([
    [
      'signed over its content only',
      requests.github(formOf(githubPush), {
        ...form,
        'x-hub-signature-256': githubSignature(bytesOf(githubPush)),
      }),
      '401 not_authentic',
    ],
    ['with another field', requests.github('body=%7B%7D', form), '400 invalid_json'],
    ['with a payload that is not JSON', requests.github('payload=%7B', form), '400 invalid_json'],
    ['that is actually JSON', requests.github(githubPush, form), '400 invalid_json'],
    ['that says it is JSON', requests.github(formOf(githubPush)), '400 invalid_json'],
  ])('is refused %s', async (_name, request, expected) => expect(await answer(request)).toBe(expected));
});

describe('authenticity', () => {
  const bytes = bytesOf(githubPush);
  const hex = githubSignature(bytes).slice('sha256='.length);

  it.each([
    ['empty', ''],
    ['of another secret', githubSignature(bytes, 'other')],
    ['of another body', githubSignature(bytesOf('{}'))],
    ['keyed with nothing', githubSignature(bytes, '')],
    ['by another algorithm', githubSignature(bytes, secretOf('github'), 'sha1')],
    ['by a longer algorithm', githubSignature(bytes, secretOf('github'), 'sha512')],
    [
      'that calls another algorithm sha256',
      `sha256=${githubSignature(bytes, secretOf('github'), 'sha1').slice(5)}`,
    ],
    ['without its prefix', hex],
    ['with nothing but its prefix', 'sha256='],
    ['in upper case', `sha256=${hex.toUpperCase()}`],
    ['in base64', `sha256=${Buffer.from(hex, 'hex').toString('base64')}`],
    ['cut short', `sha256=${hex.slice(0, -1)}`],
    ['with something after it', `sha256=${hex}0`],
    ['of two', `sha256=${hex}, sha256=${hex}`],
    ['that is the secret', secretOf('github')],
  ])('refuses a signature %s', async (_name, signature) => {
    expect(await answer(requests.github(githubPush, { 'x-hub-signature-256': signature }))).toBe(
      '401 not_authentic',
    );
  });

  it('refuses a missing signature, and one in the older header', async () => {
    const { 'x-hub-signature-256': _removed, ...headers } = requests.github(githubPush).headers;
    expect(await answer({ ...requests.github(githubPush), headers })).toBe('401 not_authentic');
    const sha1 = githubSignature(bytes, secretOf('github'), 'sha1');
    expect(
      await answer({ ...requests.github(githubPush), headers: { ...headers, 'x-hub-signature': sha1 } }),
    ).toBe('401 not_authentic');
  });

  it('covers the bytes as they came', async () => {
    const signed = requests.github(githubPush);
    expect(await answer({ ...signed, body: Buffer.from(JSON.stringify(githubPush, null, 1)) })).toBe(
      '401 not_authentic',
    );
  });

  it.each(['', 'Bearer x', `Bearer ${secretOf('registry')}`, secretOf('hub'), `${secretOf('registry')} `])(
    'refuses the fixed header %j',
    async (authorization) => {
      expect(await answer(requests.registry(registryPush, { authorization }))).toBe('401 not_authentic');
    },
  );

  it('reads the header that the webhook names', async () => {
    const own = configOf(`version: 1
mirror: { regions: [eu-west-1] }
upstreams:
  - registry: registry.example:5000
    webhook: { source: distribution, name: registry, options: { header: X-Registry-Secret } }
    repositories: [{ match: "**" }]`);
    const request = requests.registry(registryPush, {
      'x-registry-secret': secretOf('registry'),
      authorization: 'x',
    });
    expect(await receiveWebhook(request, { config: own, secrets })).toMatchObject({ status: 202 });
    expect(await receiveWebhook(requests.registry(registryPush), { config: own, secrets })).toMatchObject({
      status: 401,
    });
  });

  it('also accepts the previous secret during a rotation', async () => {
    const old = (name: string) => secretOf(name, 'old root');
    expect(await answer(requests.hub(push, { token: old('hub') }))).toBe('202');
    const signature = githubSignature(bytes, old('github'));
    expect(await answer(requests.github(githubPush, { 'x-hub-signature-256': signature }))).toBe('202');
    expect(await answer(requests.registry(registryPush, { authorization: old('registry') }))).toBe('202');
    expect(await answer(requests.hub(push, { token: secretOf('hub', 'older root') }))).toBe('404 not_found');
  });

  it('names no secret in an answer', async () => {
    const refused = [
      requests.hub(push, { token: 'guess' }),
      requests.github(githubPush, { 'x-hub-signature-256': 'guess' }),
    ];
    for (const request of refused) {
      const result = JSON.stringify(await receive(request));
      expect(result).not.toContain('guess');
      expect(result).not.toContain(secretOf(request.name));
    }
  });
});

describe('a delivery of very many images', () => {
  const [event] = (registryPush as { events: { target: object }[] }).events;
  const pushes = (tags: string[]) => ({
    events: tags.map((tag) => ({ ...event, target: { ...event?.target, tag } })),
  });
  const tags = Array.from({ length: 1_000 }, (_, n) => `v${n}`);
  const signature = (n: number) => `sha256-${String(n).padStart(64, '0')}.sig`;

  it('queues a thousand', async () => {
    const result = await receive(requests.registry(pushes(tags)));
    expect(result).toMatchObject({ ignored: [] });
    expect(result.kind === 'events' && result.events).toHaveLength(1_000);
  });

  it('reports how many it leaves out, signatures first', async () => {
    const more = [signature(1), ...tags, 'one', 'two', signature(2)];
    const result = await receive(requests.registry(pushes(more)));
    if (result.kind !== 'events') throw new Error('not read');
    expect(result.events.at(-1)?.image.tag).toBe('v999');
    expect(result).toMatchObject({
      signatures: [],
      ignored: [{ reason: expect.stringMatching(/^too_many: 4 /) }],
    });
    const mixed = await receive(requests.registry(pushes([signature(1), ...tags.slice(1), signature(2)])));
    if (mixed.kind !== 'events') throw new Error('not read');
    expect([mixed.events.length, mixed.signatures.length]).toEqual([999, 1]);
  });
});
