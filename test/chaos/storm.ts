import { setTimeout as sleep } from 'node:timers/promises';
import { requestReconcile } from '../../core/reconcile/request.ts';
import { below, dice } from '../unit/webhooks/mutate.ts';
import type { Aged } from './age.ts';
import { deleteImage } from './delete-image.ts';
import { deliverWebhook, type ToldImage, tellsDeletions } from './deliver.ts';
import { mortal } from './fates.ts';
import { pushPlanned } from './images.ts';
import type { Step } from './plan.ts';
import { troubleMirror, troubleUpstream } from './upstreams.ts';
import type { World } from './world.ts';

/** What the storm has done, for the checks and the report. */
export interface StormNotes {
  pushes: number;
  webhooks: { sent: number; refused: number };
  deletedTags: number;
  deletedImages: number;
  /** How often the console has asked for a deletion: the mirror fails, too. */
  deletionRequests: number;
  /**
   * How many requests each upstream had got when the second version was deployed, and was alone.
   */
  deployedAt?: Record<string, number>;
  aloneAt?: Record<string, number>;
  /** What was in the mirror before retention could delete anything. */
  aged?: Aged;
}

/** Between two steps, milliseconds at most. */
const pauseMs = 60;

/** Lets everything happen that is planned, with all faults on. */
export async function storm(world: World, steps: readonly Step[], seed: number): Promise<StormNotes> {
  const { upstreams, functions, fates } = world;
  const roll = dice(seed + 4);
  const notes: StormNotes = {
    pushes: 0,
    webhooks: { sent: 0, refused: 0 },
    deletedTags: 0,
    deletedImages: 0,
    deletionRequests: 0,
  };
  for (const [n, registry] of Object.values(upstreams.registries).entries())
    troubleUpstream(registry, seed + n);
  troubleMirror(world.mirror, seed);

  const inProgress: Promise<unknown>[] = [];
  const waiting: { step: number; send: () => Promise<unknown> }[] = [];
  const schedule = mortal(functions.schedule, 'schedule', fates);
  const reconcile = mortal(functions.reconcile, 'reconcile', fates);
  const retention = mortal(functions.retention, 'retention', fates);
  /** As an EventBridge schedule calls: what fails is left to the next call. */
  const call = (target: typeof schedule) =>
    inProgress.push(target.invoke({ time: world.now().toISOString() }).catch(() => {}));
  const requestCounts = () =>
    Object.fromEntries(
      Object.entries(upstreams.registries).map(([name, { requests }]) => [name, requests.length]),
    );

  const tell = (
    { kind, place, webhooks }: Extract<Step, { kind: 'push' | 'delete-tag' }>,
    image: ToldImage,
    at: number,
  ) => {
    const event = kind === 'push' ? 'push' : 'deletion';
    for (const delay of webhooks)
      waiting.push({
        step: at + delay,
        async send() {
          notes.webhooks.sent += 1;
          if (!(await deliverWebhook(world, place, { image, event }))) notes.webhooks.refused += 1;
        },
      });
  };
  const perform = async (step: Step, at: number): Promise<void> => {
    switch (step.kind) {
      case 'push': {
        const { place, tag, image } = step;
        const { digest, mediaType } = await pushPlanned(upstreams.registries[place.upstream], {
          ...place,
          tag,
          image,
        });
        notes.pushes += 1;
        tell(step, { tag, digest, mediaType }, at);
        return;
      }
      case 'delete-tag': {
        const { place, tag } = step;
        const upstream = upstreams.registries[place.upstream];
        const digest = upstream.tag(place.repository, tag);
        const url = `${upstream.endpoint}/v2/${place.repository}/manifests/${tag}`;
        const { ok } = await fetch(url, { method: 'DELETE' });
        if (!ok || digest === undefined) return;
        notes.deletedTags += 1;
        if (tellsDeletions(place)) tell(step, { tag, digest, mediaType: '' }, at);
        return;
      }
      case 'delete-image':
        {
          const { isDeleted, requests } = await deleteImage(world, step.share);
          if (isDeleted) notes.deletedImages += 1;
          notes.deletionRequests += requests;
        }
        return;
      case 'down':
        upstreams.hubConnection.cut();
        return;
      case 'up':
        upstreams.hubConnection.mend();
        return;
      case 'deploy':
        notes.deployedAt = requestCounts();
        world.deploy(upstreams.config('second'));
        return;
      case 'tick':
        world.advance(step.aheadMs);
        call(schedule);
        call(retention);
        if (step.compare) call(reconcile);
    }
  };

  await requestReconcile(upstreams.config('first'), undefined, {
    store: world.reconcileStore,
    now: world.now(),
  });
  for (const [at, step] of steps.entries()) {
    await perform(step, at);
    for (const due of waiting.filter(({ step: when }) => when <= at)) {
      waiting.splice(waiting.indexOf(due), 1);
      inProgress.push(due.send());
    }
    if (notes.deployedAt && !notes.aloneAt && !isReplacing(world)) notes.aloneAt = requestCounts();
    await sleep(below(roll, pauseMs));
  }
  inProgress.push(...waiting.map(({ send }) => send()));
  await Promise.all(inProgress);
  return notes;
}

function isReplacing({ functions }: World): boolean {
  return Object.values(functions).some((each) => each.isReplacing);
}
