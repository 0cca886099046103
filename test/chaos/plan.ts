import { below, type Dice, dice, pick } from '../unit/webhooks/mutate.ts';
import type { UpstreamName } from './rules.ts';

/** A repository of an upstream. */
export interface PlannedPlace {
  upstream: UpstreamName;
  repository: string;
}

/** An image to be made from seeds: layers with the same seed are shared. */
export interface PlannedImage {
  seed: string;
  layers: { seed: string; size: number }[];
  platforms: 1 | 2;
}

/** One thing that happens. */
export type Step =
  | {
      kind: 'push';
      place: PlannedPlace;
      tag: string;
      image: PlannedImage;
      /** After how many further steps its webhook is delivered; empty: it is lost. */
      webhooks: number[];
    }
  /** Deletes a tag upstream; delivers webhooks of it, if this upstream sends any. */
  | { kind: 'delete-tag'; place: PlannedPlace; tag: string; webhooks: number[] }
  /** Deletes an image of the mirror: the one at this share of all that are mapped then. */
  | { kind: 'delete-image'; share: number }
  | { kind: 'down' | 'up'; upstream: UpstreamName }
  /** A new version of the configuration is deployed. */
  | { kind: 'deploy' }
  /** Some time passes, and the schedules fire. */
  | { kind: 'tick'; aheadMs: number; compare: boolean };

export interface PlanOptions {
  seed: number;
  pushes: number;
}

const range = (upstream: UpstreamName, prefix: string, count: number): PlannedPlace[] =>
  Array.from({ length: count }, (_, n) => ({ upstream, repository: `${prefix}${n + 1}` }));

/** Thirty repositories, and two that no rule names. */
export const places: readonly PlannedPlace[] = [
  ...range('ghcr', 'acme/app-', 9),
  ...range('ghcr', 'acme/filtered-', 3),
  ...range('ghcr', 'legacy/app-', 2),
  ...range('hub', 'library/app-', 8),
  ...range('harbor', 'team/app-', 6),
  ...range('harbor', 'extra/app-', 2),
];
export const unconfigured: readonly PlannedPlace[] = [
  ...range('ghcr', 'secret/app-', 1),
  ...range('harbor', 'private/app-', 1),
];

const tags = ['1.0', '1.1', '2.0', 'latest', 'nightly', '2.0-rc1'];
const dropped = 0.2;
const doubled = 0.15;
const reordered = 0.3;
/** Every so many pushes, time passes. */
const ticksEvery = 6;
const tickMs = 70_000;

/** What happens with a seed, in order. */
export function planOf({ seed, pushes }: PlanOptions): Step[] {
  const roll = dice(seed);
  const steps: Step[] = [];
  const pushed: { place: PlannedPlace; tag: string }[] = [];
  const at = (share: number) => Math.floor(pushes * share);
  const extra = new Map<number, Step[]>();
  const add = (push: number, step: Step) => extra.set(push, [...(extra.get(push) ?? []), step]);
  add(at(0.25 + roll() * 0.1), { kind: 'down', upstream: 'hub' });
  add(at(0.55 + roll() * 0.2), { kind: 'up', upstream: 'hub' });
  add(at(0.4 + roll() * 0.3), { kind: 'deploy' });
  const deletions = Math.max(1, Math.round(pushes / 25));
  for (let n = 0; n < deletions; n += 1) add(at(0.2 + roll() * 0.8), { kind: 'delete-image', share: roll() });
  const tagDeletions = new Set(Array.from({ length: deletions }, () => at(0.2 + roll() * 0.8)));
  for (let push = 0; push < pushes; push += 1) {
    const place = roll() < 0.04 ? pick(roll, unconfigured) : pick(roll, places);
    const tag = pick(roll, tags);
    steps.push({ kind: 'push', place, tag, image: imageOf(roll, push, place), webhooks: webhooksOf(roll) });
    pushed.push({ place, tag });
    if (tagDeletions.has(push))
      steps.push({ kind: 'delete-tag', ...pick(roll, pushed), webhooks: webhooksOf(roll) });
    steps.push(...(extra.get(push) ?? []));
    if (push % ticksEvery === ticksEvery - 1)
      steps.push({ kind: 'tick', aheadMs: Math.round(tickMs * (0.5 + roll())), compare: roll() < 0.4 });
  }
  return steps;
}

function webhooksOf(roll: Dice): number[] {
  if (roll() < dropped) return [];
  const delay = () => (roll() < reordered ? 1 + below(roll, 8) : 0);
  return roll() < doubled ? [delay(), delay()] : [delay()];
}

/** Layers come from a pool that all repositories share, but for one of the image's own. */
function imageOf(roll: Dice, push: number, { repository }: PlannedPlace): PlannedImage {
  const shared = Array.from({ length: 1 + below(roll, 3) }, () => below(roll, 12));
  const large = roll() < 0.06;
  return {
    seed: `push-${push}`,
    layers: [
      ...[...new Set(shared)].map((n) => ({ seed: `shared-${n}`, size: 2_000 * (n + 1) ** 2 })),
      { seed: `own-${push}`, size: 500 + below(roll, 40_000) },
      ...(large ? [0, 1].map((n) => ({ seed: `large-${push}-${n}`, size: 600_000 })) : []),
    ],
    platforms: repository.startsWith('acme/filtered-') || roll() < 0.1 ? 2 : 1,
  };
}
