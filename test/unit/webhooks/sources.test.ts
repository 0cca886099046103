import { beforeEach, describe, expect, it } from 'vitest';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { formatReference, parseReference } from '../../../core/oci/reference.ts';
import { proofHeader } from '../../../core/webhooks/authenticity/verify.ts';
import type { DeliveryAuthentication, WebhookAuthentication } from '../../../core/webhooks/source.ts';
import { sources } from '../../../core/webhooks/sources/index.ts';
import { bytesOf, origin } from './deliver.ts';
import { idToken, prove, stubIssuer } from './prove.ts';
import { sourceSubject } from './source-subject.ts';

beforeEach(stubIssuer);

const url = `${origin}/webhooks/it`;

for (const source of sources) {
  const subject = await sourceSubject(source.name);
  const { cases } = subject;
  const [push] = Object.values(cases.accepted);
  if (push === undefined) throw new Error(`${source.name} accepts nothing`);
  const status = async (request: Parameters<typeof subject.receive>[0]) =>
    (await subject.receive(request)).status;

  describe(source.title, () => {
    it.each(Object.entries(cases.accepted))('accepts %s', async (_title, each) => {
      const result = await subject.receive(await subject.request(each), each.variant);
      if (result.kind !== 'events') throw new Error(JSON.stringify(result));
      expect(result.events.map(({ image }) => `${image.registry}/${image.repository}:${image.tag}`)).toEqual(
        each.images,
      );
      expect(result.ignored.map(({ reason }) => reason)).toEqual(each.ignored ?? []);
      expect(result.deletions).toEqual([]);
      if (each.digests !== undefined) expect(result.events.map(({ digest }) => digest)).toEqual(each.digests);
    });

    const reported = Object.entries(cases.deletions ?? {});
    it.each(reported)('follows %s where the rule says so', async (_title, each) => {
      const result = await subject.receiveUnmapping(await subject.request(each), each.variant);
      if (result.kind !== 'events') throw new Error(JSON.stringify(result));
      expect(result.deletions.map(({ image }) => formatReference(image))).toEqual(each.images);
      expect(result.ignored.map(({ reason }) => reason)).toEqual(each.ignored ?? []);
    });

    it.each(reported)('ignores %s elsewhere', async (_title, each) => {
      const result = await subject.receive(await subject.request(each), each.variant);
      if (result.kind !== 'events') throw new Error(JSON.stringify(result));
      expect(result.deletions).toEqual([]);
      const kept = result.ignored.filter(({ reason }) => reason.startsWith('kept: '));
      expect(kept.map(({ image }) => image)).toEqual(each.images);
    });

    it('says whether deletions are reported', () => {
      expect(reported.length > 0).toBe(source.guide.deleted !== undefined);
    });

    it.each(Object.entries(cases.ignored))('ignores %s', async (_title, each) => {
      const result = await subject.receive(await subject.request(each), each.variant);
      expect(result).toMatchObject({
        kind: 'events',
        status: 202,
        events: [],
        signatures: [],
        deletions: [],
      });
      if (result.kind !== 'events') return;
      expect(result.ignored.map(({ reason }) => reason)).toEqual(each.reasons);
    });

    it.each(Object.entries(cases.answered ?? {}))('answers %s', async (_title, each) => {
      const request = await subject.request(each);
      // A handshake comes without any proof.
      const asked =
        each.method === 'OPTIONS' ? { ...request, method: 'OPTIONS', headers: each.headers ?? {} } : request;
      const result = await subject.receive(asked, each.variant);
      expect(result).toEqual({ kind: 'answer', headers: {}, ...each.answer });
    });

    it('answers no OPTIONS request except its own handshake', async () => {
      const request = await subject.request(push);
      for (const origin of ['https://evil.example', 'evil.example', '']) {
        const headers: Record<string, string> = { origin, 'webhook-request-origin': origin };
        expect(await subject.receive({ ...request, method: 'OPTIONS', headers }, push.variant)).toMatchObject(
          {
            kind: 'refused',
            status: 405,
            headers: { allow: source.handshake ? 'POST, OPTIONS' : 'POST' },
          },
        );
      }
    });

    it('refuses what is not JSON, such as a form', async () => {
      const form = `payload=${encodeURIComponent(JSON.stringify(push.body))}`;
      const request = await subject.request({ ...push, body: form });
      expect(await subject.receive(request, push.variant)).toMatchObject({
        kind: 'refused',
        status: 400,
        code: 'invalid_json',
      });
    });

    it('has a case for each reason that its guide names, and names each', () => {
      const reasons = [
        ...Object.values(cases.ignored).flatMap(({ reasons }) => reasons),
        ...Object.values(cases.accepted).flatMap(({ ignored = [] }) => ignored),
        ...Object.values(cases.deletions ?? {}).flatMap(({ ignored = [] }) => ignored),
      ];
      const everySource = ['kept', 'malformed', 'not_configured', 'own_mirror', 'signature', 'truncated'];
      const codes = new Set(
        reasons.map((reason) => reason.replace(/:.*/s, '')).filter((code) => !everySource.includes(code)),
      );
      expect([...codes].sort()).toEqual(Object.keys(source.guide.ignored).sort());
      expect(reasons.some((reason) => reason.startsWith('malformed: '))).toBe(true);
    });

    it('reads the sample that it makes', async () => {
      const { upstream, webhook } = subject.webhook();
      const [image = ''] = push.images;
      const { registry, repository, tag = '' } = parseReference(image);
      const digest = `sha256:${'0'.repeat(64)}` as const;
      const sample = source.sample(
        { registry, repository, tag, digest, mediaType: mediaTypes.ociManifest },
        webhook.options,
      );
      const result = await subject.receive(await subject.request(sample));
      expect(upstream.registry).toBe(registry);
      expect(result).toMatchObject({
        kind: 'events',
        events: [{ image: { registry, repository, tag } }],
        ignored: [],
      });
    });

    it('ignores whatever else is in the payload', async () => {
      if (typeof push.body !== 'object' || push.body === null || Array.isArray(push.body)) return;
      const body = { ...push.body, zz_added: [{ deep: null }], constructor: 1 };
      const result = await subject.receive(await subject.request({ ...push, body }));
      expect(result).toMatchObject({ kind: 'events', events: [{}] });
    });

    it('also accepts the previous secret during a rotation, and no older one', async () => {
      const { webhook } = subject.webhook();
      const authentication = source.authentication(webhook.options);
      if (authentication.kind === 'oidc') return; // there is no secret
      const body = bytesOf(push.body);
      for (const [root, expected] of [
        ['old root', 202],
        ['older root', authentication.kind === 'path-token' ? 404 : 401],
      ] as const) {
        const proof = await prove(authentication, subject.secret(root), body, { url });
        const request = await subject.request(push);
        expect(
          await status({ ...request, ...proof, headers: { ...request.headers, ...proof.headers } }),
        ).toBe(expected);
      }
    });

    const kinds = waysOf(source.authentication(subject.webhook().webhook.options));
    it.each(kinds.map((kind) => [kind.kind, kind] as const))(
      'is proven by %s and by nothing near it',
      async (_kind, kind) => {
        const body = bytesOf(push.body);
        const proof = await prove(kind, subject.secret(), body, { url });
        const bare = { ...(await subject.request(push)), token: undefined };
        const proofHeaders = ['webhook-id', 'webhook-timestamp', ...waysHeaders(kinds)];
        const plain = Object.fromEntries(
          Object.entries(bare.headers).filter(([name]) => !proofHeaders.includes(name)),
        );
        const send = (changes: Record<string, string | undefined>, bytes = body) =>
          status({
            ...bare,
            body: bytes,
            headers: { ...plain, ...proof.headers, ...changes } as Record<string, string>,
          });
        if (kind.kind === 'path-token') {
          expect(await status({ ...bare, token: proof.token })).toBe(202);
          for (const token of [undefined, '', `${proof.token}x`, proof.token?.slice(1), 'x'.repeat(43)])
            expect(await status({ ...bare, token: token as string })).toBe(404);
          return;
        }
        const header = proofHeader(kind);
        const good = proof.headers[header] ?? '';
        expect(await send({})).toBe(202);
        for (const value of [
          '',
          ' ',
          `${good}x`,
          good.slice(0, -1),
          `${good},${good}`,
          'x',
          ...(await nearProofs(kind, body)),
        ])
          expect(await send({ [header]: value }), value).toBe(401);
        const without = { ...plain, ...proof.headers };
        delete without[header];
        expect(await status({ ...bare, headers: without })).toBe(401);
        expect(await status({ ...bare, headers: without, token: subject.secret() })).toBe(404);
        const coversBody = kind.kind === 'hmac' || kind.kind === 'standard-webhooks';
        if (coversBody) expect(await send({}, Buffer.concat([body, Buffer.from(' ')]))).toBe(401);
      },
    );

    /** What looks right but is not: by another secret, algorithm, encoding or time. */
    async function nearProofs(kind: DeliveryAuthentication, body: Uint8Array): Promise<string[]> {
      const now = Date.now();
      const at = async (other: DeliveryAuthentication, secret = subject.secret(), time = now) =>
        (await prove(other, secret, body, { url, now: new Date(time) })).headers[proofHeader(other)] ?? '';
      switch (kind.kind) {
        case 'header':
          return [`Token ${subject.secret()}`, subject.secret('older root')];
        case 'hmac':
          return [
            await at({ ...kind, algorithm: kind.algorithm === 'sha256' ? 'sha1' : 'sha256' }),
            await at({ ...kind, encoding: kind.encoding === 'hex' ? 'base64' : 'hex' }),
            await at({ ...kind, prefix: `${kind.prefix}sha512=` }),
            await at(kind, ''),
            await at(kind, subject.secret('older root')),
          ];
        case 'standard-webhooks': {
          const good = await at(kind);
          return [
            good.replace('v1,', 'v1a,'),
            good.replace('v1,', 'v2,'),
            good.slice(3),
            await at(kind, subject.secret('older root')),
          ];
        }
        case 'oidc': {
          const right = {
            iss: kind.issuers[0],
            aud: kind.audience ?? url,
            email: kind.email,
            email_verified: true,
          };
          const wrong = [
            { iss: 'https://other.example' },
            { aud: 'https://other.example' },
            { email: 'other@example.com' },
            { email_verified: false },
            { email_verified: undefined },
            { exp: Math.floor(now / 1000) - 60 },
            { exp: undefined },
            { nbf: Math.floor(now / 1000) + 600 },
          ];
          const tokens = await Promise.all(wrong.map((claims) => idToken({ ...right, ...claims })));
          const unsigned = (await idToken(right)).replace(
            /^[^.]+/,
            Buffer.from('{"alg":"none"}').toString('base64url'),
          );
          return [...tokens, unsigned, unsigned.replace(/[^.]+$/, '')].map((token) => `Bearer ${token}`);
        }
      }
    }

    const isTimed = kinds.some(({ kind }) => kind === 'standard-webhooks');
    if (isTimed)
      it('refuses a replay', async () => {
        const body = bytesOf(push.body);
        const kind = { kind: 'standard-webhooks' } as const;
        const request = await subject.request(push);
        for (const [seconds, expected] of [
          [0, 202],
          [-290, 202],
          [290, 202],
          [-310, 401],
          [310, 401],
        ] as const) {
          const now = new Date(Date.now() + seconds * 1000);
          const { headers } = await prove(kind, subject.secret(), body, { url, now });
          expect(await status({ ...request, headers: { ...request.headers, ...headers } })).toBe(expected);
          const later = { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) };
          expect(await status({ ...request, headers: { ...request.headers, ...later } })).toBe(401);
        }
      });
  });
}

function waysOf(authentication: WebhookAuthentication): Exclude<WebhookAuthentication, { kind: 'any' }>[] {
  return authentication.kind === 'any' ? [...authentication.of] : [authentication];
}

function waysHeaders(kinds: Exclude<WebhookAuthentication, { kind: 'any' }>[]): string[] {
  return kinds.flatMap((kind) => (kind.kind === 'path-token' ? [] : [proofHeader(kind)]));
}
