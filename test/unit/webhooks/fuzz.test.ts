import fc from 'fast-check';
import { beforeEach, describe, it, vi } from 'vitest';
import { selectImage } from '../../../core/policy/select-image.ts';
import { type Proof, signDelivery } from '../../../core/webhooks/authenticity/sign.ts';
import { webhookPath } from '../../../core/webhooks/find-webhook.ts';
import type { WebhookRequest } from '../../../core/webhooks/receive.ts';
import { sources } from '../../../core/webhooks/sources/index.ts';
import { bytesOf, origin } from './deliver.ts';
import { below, type Dice, dice, isJson, mutate, mutateText, pick } from './mutate.ts';
import { prove, stubIssuer } from './prove.ts';
import type { CaseDelivery } from './source-cases.ts';
import { type SourceSubject, sourceSubject } from './source-subject.ts';
import { spoil } from './spoil.ts';

// Any request except for the issuer's keys fails: no address in a payload is followed.
beforeEach(stubIssuer);

// Takes seconds if nothing else runs.
vi.setConfig({ testTimeout: 60_000 });

/** The seed of one delivery: what fast-check finds is reproduced by its number. */
const seeds = fc.integer({ min: 0, max: 0x7fff_ffff });

/** Larger bodies have their own case, and would take up all of the time. */
const maxMutated = 8_000;

for (const source of sources) {
  const subject = await sourceSubject(source.name);
  const { accepted, deletions = {}, ignored, answered = {} } = subject.cases;
  const deliveries = [accepted, deletions, ignored, answered]
    .flatMap((cases: Record<string, CaseDelivery>) => Object.values(cases))
    .map(({ body, headers = {}, variant }) => ({ json: bytesOf(body).toString(), headers, variant }))
    .filter(({ json }) => json.length <= maxMutated && isJson(bytesOf(json)));
  const sign = await signer(subject);

  /** An authentic request with a body of its own, headers as a case has them, or nearly. */
  const request = (roll: Dice, body: Uint8Array, { headers = {}, variant }: Omit<CaseDelivery, 'body'>) => {
    const sent: Record<string, string> = { 'content-type': 'application/json', ...headers };
    if (roll() < 0.2) {
      const name = pick(roll, Object.keys(sent));
      if (roll() < 0.5) sent[name] = mutateText(roll, sent[name] ?? '');
      else delete sent[name];
    }
    const proof = sign(body, variant);
    return { method: 'POST', name: 'it', origin, body, ...proof, headers: { ...sent, ...proof.headers } };
  };

  /**
   * Checks that nothing is thrown, and that there is one of the statuses, images that may be
   * queued, and reasons with a stable code.
   */
  const expectAnswer = async (sent: WebhookRequest, statuses: number[], variant?: string): Promise<void> => {
    const problem = await problemOf(subject, sent, statuses, variant);
    if (problem === undefined) return;
    const body = Buffer.from(sent.body).toString();
    throw new Error(`${problem}: ${JSON.stringify({ ...sent, variant, body: body.slice(0, 5_000) })}`);
  };

  const check = (
    numRuns: number,
    run: (roll: Dice, delivery: (typeof deliveries)[number]) => Promise<void>,
  ) =>
    fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const roll = dice(seed);
        await run(roll, pick(roll, deliveries));
      }),
      { numRuns },
    );

  describe(source.title, { timeout: 120_000 }, () => {
    it('answers authentic deliveries of any JSON with 202, or 200', async () => {
      await check(14_000, async (roll, delivery) => {
        const body = bytesOf(JSON.stringify(mutate(roll, delivery.json)));
        await expectAnswer(request(roll, body, delivery), [200, 202], delivery.variant);
      });
      await fc.assert(
        fc.asyncProperty(seeds, fc.jsonValue(), async (seed, value) => {
          const roll = dice(seed);
          const delivery = pick(roll, deliveries);
          const sent = request(roll, bytesOf(JSON.stringify(value)), delivery);
          await expectAnswer(sent, [200, 202], delivery.variant);
        }),
        { numRuns: 1_000 },
      );
    });

    it('answers authentic deliveries of any bytes, and refuses them with 400 if they are not JSON', async () => {
      await check(3_000, async (roll, delivery) => {
        const body =
          roll() < 0.5
            ? Uint8Array.from({ length: below(roll, 40) }, () => below(roll, 256))
            : bytesOf(mutateText(roll, delivery.json));
        const statuses = isJson(body) ? [200, 202] : [400];
        await expectAnswer(request(roll, body, delivery), statuses, delivery.variant);
      });
    });

    it('refuses whatever is not authentic', async () => {
      await check(4_000, async (roll, delivery) => {
        const { variant } = delivery;
        const body = bytesOf(roll() < 0.5 ? delivery.json : JSON.stringify(mutate(roll, delivery.json)));
        const sent = request(roll, body, delivery);
        const wrong = spoil(roll, sent, subject.webhook(variant), subject.secret());
        await expectAnswer({ ...sent, ...wrong.changes }, [wrong.status], variant);
      });
    });
  });
}

/**
 * Makes proofs for a source's configurations. An ID token, which says nothing about the body, is
 * signed once for each.
 */
async function signer(subject: SourceSubject): Promise<(body: Uint8Array, variant?: string) => Proof> {
  const url = origin + webhookPath('it');
  const variants = [undefined, ...Object.keys(subject.cases.variants ?? {})];
  const made = new Map<string | undefined, (body: Uint8Array) => Proof>();
  for (const variant of variants) {
    const { source, webhook } = subject.webhook(variant);
    const authentication = source.authentication(webhook.options);
    const secret = subject.secret();
    const token = await prove(authentication, secret, bytesOf(''), { url });
    made.set(
      variant,
      (body) => signDelivery(authentication, secret, { body, id: 'msg_1', now: new Date() }) ?? token,
    );
  }
  return (body, variant) => made.get(variant)?.(body) ?? { headers: {} };
}

async function problemOf(
  subject: SourceSubject,
  sent: WebhookRequest,
  statuses: number[],
  variant: string | undefined,
): Promise<string | undefined> {
  const result = await subject.receiveUnmapping(sent, variant);
  if (!statuses.includes(result.status)) return `answered ${result.status}, not ${statuses.join(' or ')}`;
  if (result.kind === 'answer')
    return JSON.stringify(result.body).length > 1_000 ? 'a long answer' : undefined;
  if (result.kind === 'refused') return undefined;
  const config = subject.config(variant);
  const { registry } = subject.webhook(variant).upstream;
  const deleted = result.deletions.map(({ image }) => image);
  if (deleted.some(({ tag, digest }) => tag === undefined && digest === undefined))
    return 'a deletion names nothing';
  for (const image of [...result.events.map((event) => event.image), ...result.signatures, ...deleted])
    if (image.registry !== registry || !selectImage(config, image).mirrored)
      return 'an image is not selected';
  const names = new Set(result.events.map(({ image }) => `${image.repository}:${image.tag}`));
  if (names.size !== result.events.length) return 'an image is there twice';
  if (result.ignored.length > 1_001) return 'too many reasons';
  const odd = result.ignored.find(({ reason }) => !/^[a-z_]+: ./.test(reason) || reason.length > 1_000);
  return odd && `an odd reason: ${odd.reason}`;
}
