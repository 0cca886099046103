import { setTimeout as sleep } from 'node:timers/promises';
import { seededImage, seededIndex } from '../../support/seeded-image.ts';
import { skopeoDigest } from '../../support/skopeo.ts';
import { check, checkEqual } from './check.ts';
import { createHook, deleteHook, type Hook, isSignedWith, keptDeliveries, listHooks } from './hooks.ts';
import { type Followed, type Journey, pushAndFollow, register, webhooks } from './journey.ts';
import { startPushLoop } from './push-loop.ts';

const layers = [{ size: 3_000_000, seed: 'shared base' }, { size: 40_000 }];

/** Entering the webhook twice leaves one. */
export async function registerTwice(journey: Journey): Promise<void> {
  for (const time of ['first', 'second']) {
    const started = performance.now();
    await register(journey);
    const ms = performance.now() - started;
    const { url, events } = await onlyHook(journey);
    journey.note(`register, the ${time} time`, `one webhook at Gitea: ${events} → ${url}`, ms);
  }
  const listed = await webhooks(journey, 'list', '--json');
  check(listed.includes(hookUrl(journey)), `drayage webhooks list --json does not include it: ${listed}`);
  JSON.parse(listed);
}

/** An image, and an index with its children, are mapped to what skopeo pushed. */
export async function pushImageAndIndex(journey: Journey): Promise<void> {
  const image = await pushAndFollow(journey, 'web', '1.0', seededImage({ seed: 'one', layers }));
  await compareDigests(image);
  journey.note('push of an image', `mapped: ${image.mapping.sourceDigest}`, image.ms);

  const index = await pushAndFollow(journey, 'team/api', '1.0', seededIndex({ seed: 'two', layers }));
  await compareDigests(index);
  checkEqual('the platforms of the index', index.mapping.platforms, ['linux/amd64', 'linux/arm64/v8']);
  journey.note('push of an index', `mapped with ${index.mapping.platforms.join(' and ')}`, index.ms);
}

/** The mapping follows a tag that moves. */
export async function moveTag(journey: Journey): Promise<void> {
  const moved = await pushAndFollow(journey, 'web', '1.0', seededImage({ seed: 'another', layers }));
  await compareDigests(moved);
  check(moved.mapping.revision > 1, `the mapping is of revision ${moved.mapping.revision} after a move`);
  journey.note('the tag moves', `mapping of revision ${moved.mapping.revision}`, moved.ms);
}

/**
 * A secret is rotated while people push: nothing is lost, either before or after Gitea has the new
 * one. Gitea's API cannot change the secret of an existing webhook (`editHook`, also
 * go-gitea/gitea#23142), and it deletes a webhook together with its pending deliveries
 * (`DeleteWebhookByID`). A webhook that is replaced too fast therefore loses pushes.
 * https://github.com/go-gitea/gitea/blob/v1.23.8/routers/api/v1/utils/hook.go
 * https://github.com/go-gitea/gitea/blob/v1.23.8/models/webhook/webhook.go
 */
export async function rotateUnderLoad(journey: Journey): Promise<void> {
  const old = journey.local.ready.webhooks.gitea?.secret ?? '';
  await using loop = startPushLoop(journey, 'before the rotation');
  await loop.mapped(5);
  await webhooks(journey, 'rotate', 'gitea');
  loop.phase = 'rotated, Gitea still signs with the old secret';
  await loop.mapped(10);
  checkAccepted(journey);
  check(lastSignedWith(journey, old), 'Gitea no longer signs with the secret that it was given');
  loop.phase = 'register enters the new secret';
  await register(journey);
  loop.phase = 'the new secret is entered';
  await loop.mapped(10);
  const pushes = await loop.end();
  checkAccepted(journey);
  check(!lastSignedWith(journey, old), 'Gitea still signs with the old secret after webhooks register');
  await onlyHook(journey);
  for (const [phase, those] of Map.groupBy(pushes, (push) => push.phase)) {
    const slowest = Math.max(...those.map(({ ms }) => ms));
    journey.note(`pushes: ${phase}`, `${those.length} of ${those.length} mapped`, slowest);
  }
}

/**
 * A delivery signed with another secret is refused, and the same push through the right webhook is
 * not affected.
 */
export async function signWrongly(journey: Journey): Promise<void> {
  const wrong = await createHook(journey.gitea, hookUrl(journey), 'not the secret');
  const push = await pushAndFollow(journey, 'web', '2.0', seededImage({ seed: 'three', layers }));
  const ofWrong = () => keptDeliveries(journey.gitea).filter(({ hook }) => hook === wrong.id);
  for (let tries = 0; ofWrong().length === 0 && tries < 100; tries += 1) await sleep(100);
  const answers = ofWrong().map(({ status }) => status);
  checkEqual('what a delivery with a wrong secret is answered', answers, [401]);
  await deleteHook(journey.gitea, wrong);
  journey.note(
    'a second webhook with a wrong secret',
    'answered 401; the right one leads to the mapping',
    push.ms,
  );
}

/** skopeo reads the same from Gitea and from the mirror. */
async function compareDigests({ reference, mapping }: Followed): Promise<void> {
  checkEqual('the source digest of the mapping', mapping.sourceDigest, await skopeoDigest(reference));
  checkEqual('the digest of the mapping', mapping.digest, await skopeoDigest(mapping.mirror));
}

/**
 * The one webhook that Gitea has.
 *
 * @throws when there is not exactly one, or when it is not as it should be
 */
async function onlyHook(journey: Journey): Promise<{ url: string; events: string }> {
  const found = await listHooks(journey.gitea);
  const wanted: Omit<Hook, 'id'> = {
    active: true,
    type: 'gitea',
    events: ['package'],
    config: { url: hookUrl(journey), content_type: 'json' },
  };
  const seen = found.map(({ active, type, events, config: { url, content_type } }) => ({
    ...{ active, type, events },
    config: { url, content_type },
  }));
  checkEqual('the webhooks that Gitea has', seen, [wanted]);
  return { url: wanted.config.url, events: wanted.events.join() };
}

function hookUrl({ local }: Journey): string {
  return local.ready.webhooks.gitea?.url ?? '';
}

function lastSignedWith({ gitea }: Journey, secret: string): boolean {
  const last = keptDeliveries(gitea).at(-1);
  return last !== undefined && isSignedWith(secret, last);
}

/** Gitea sends nothing a second time: what is refused is lost. */
function checkAccepted({ gitea }: Journey): void {
  const others = keptDeliveries(gitea).flatMap(({ status }) => (status === 202 ? [] : [status]));
  checkEqual('what deliveries were answered other than 202', others, []);
}
