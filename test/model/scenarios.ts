import { enqueue } from '../../core/jobs/enqueue.ts';
import { settle } from './explore.ts';
import { images, key } from './subject.ts';
import { type Happening, type Scenario, World } from './world.ts';

/** Somebody moves upstream's tag. */
const push = (version: number): Happening => ({
  name: `push v${version}`,
  happen: (world) => world.registries.push(version),
});

/** An event reaches the webhook function. It says what upstream's tag points to. */
const event = (name: string, { told = false } = {}): Happening => ({
  name: `event ${name}`,
  happen: (world) => {
    const { version } = world.registries;
    const toldDigest = told ? images[version]?.manifest.digest : undefined;
    world.start(
      `webhook ${name}`,
      (deps) => enqueue([{ key, toldDigest }], 'webhook', deps),
      () => {
        world.accepted = Math.max(world.accepted, version);
      },
    );
  },
});

/** A tag that is mapped to v0, long ago. */
const mapped = async (): Promise<World> =>
  await settle(new World({ name: 'before', faults: [], happenings: [push(0), event('0')] }), { passTime: true });

export const twoPushes: Scenario = {
  name: 'two pushes of a tag, one after the other',
  happenings: [push(1), event('1'), push(2), event('2')],
  faults: ['killed', 'lost answer', 'twice', 'slow'],
};

export const scenarios: { scenario: Scenario; before?: () => Promise<World> }[] = [
  { scenario: twoPushes, before: mapped },
];
