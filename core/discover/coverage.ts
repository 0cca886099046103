import type { Config } from '../config/config.ts';
import type { Mapping } from '../mapping/record.ts';
import { selectImage } from '../policy/select-image.ts';
import type { Inventory, UsedImage, Uses } from './inventory.ts';
import { exemptionOf } from './registries.ts';
import { podsOf } from './uses-text.ts';

/** An image, why it is listed, and who uses it. */
export interface ListedImage {
  image: string;
  reason: string;
  pods: number;
  places: number;
  examples: string[];
}

/** How much of what is used a configuration covers. */
export interface Coverage {
  /** Images that can be mirrored, each tag and digest once. */
  images: number;
  covered: number;
  /** Of the images; 100 only if nothing is missing. */
  percent: number;
  pods: number;
  /** Pods whose images are all covered. */
  podsCovered: number;
  uncovered: ListedImage[];
  /** Images that need no rule: they are next to the cluster. */
  exempt: ListedImage[];
  /** What stands where an image is named, and is not a reference. No pod runs with it. */
  invalid: ListedImage[];
  /** How many of the images some pod or place names by the mirror’s reference. */
  fromMirror: number;
  /** Absent if no mapping was asked. */
  mirror?: MirrorUse;
}

/** How much of what is covered is in the mirror, and comes from there. */
export interface MirrorUse {
  /** Covered images that have a mapping. */
  mirrored: number;
  /** Covered images that have none. */
  notMirrored: ListedImage[];
  /** Images that have one, and that pods or places name by their upstream all the same. */
  fromUpstream: ListedImage[];
}

/** Finds the mapping of a reference. */
export type FindMapping = (image: string) => Pick<Mapping, 'pinned'> | undefined;

/**
 * Compares what is used with the rules of a configuration and, if there is one, with the mapping.
 */
export function coverageOf(inventory: Inventory, config: Config, find?: FindMapping): Coverage {
  const covered: UsedImage[] = [];
  const [uncovered, exempt]: [Listed[], Listed[]] = [[], []];
  for (const used of inventory.images) {
    const selection = selectImage(config, used.reference);
    const exemption = exemptionOf(used.reference.registry, config.mirror.regions);
    if (selection.mirrored) covered.push(used);
    else if (exemption && (exemption.why === 'near' || exemption.why === 'node'))
      exempt.push({ used, reason: exemption.reason });
    else uncovered.push({ used, reason: exemption?.reason ?? selection.reason.replace(/^\w+: /, '') });
  }
  const images = covered.length + uncovered.length;
  const podsUncovered = podsOf(uncovered.map(({ used }) => used)).size;
  return {
    images,
    covered: covered.length,
    percent: percentOf(covered.length, images),
    pods: inventory.pods,
    podsCovered: inventory.pods - podsUncovered,
    uncovered: sorted(uncovered),
    exempt: sorted(exempt),
    invalid: inventory.invalid.map(({ text, reason, ...uses }) => listed(text, reason, uses)),
    fromMirror:
      inventory.unnamed.length +
      inventory.images.filter((each) => each.mirroredPods.size + each.mirroredPlaces > 0).length,
    ...(find && { mirror: mirrorUse(covered, find) }),
  };
}

interface Listed {
  used: UsedImage;
  reason: string;
}

function mirrorUse(covered: readonly UsedImage[], find: FindMapping): MirrorUse {
  const [notMirrored, fromUpstream]: [Listed[], Listed[]] = [[], []];
  for (const used of covered) {
    const mapping = find(used.image);
    const pods = new Set([...used.pods].filter((pod) => !used.mirroredPods.has(pod)));
    const places = used.places - used.mirroredPlaces;
    const isNamed = pods.size + places > 0;
    if (mapping === undefined) {
      // What comes from the mirror is there, even if its tag has moved on.
      if (isNamed) notMirrored.push({ used, reason: 'it has no mapping yet' });
    } else if (isNamed) fromUpstream.push({ used: { ...used, pods, places }, reason: mapping.pinned });
  }
  return {
    mirrored: covered.length - notMirrored.length,
    notMirrored: sorted(notMirrored),
    fromUpstream: sorted(fromUpstream),
  };
}

/** What most pods use comes first. */
function sorted(all: readonly Listed[]): ListedImage[] {
  return all
    .map(({ used, reason }) => listed(used.image, reason, used))
    .sort((a, b) => b.pods - a.pods || b.places - a.places || (a.image < b.image ? -1 : 1));
}

function listed(image: string, reason: string, { pods, places, examples }: Uses): ListedImage {
  return { image, reason, pods: pods.size, places, examples };
}

/** Rounded down, with one decimal. */
function percentOf(part: number, whole: number): number {
  return whole === 0 ? 100 : Math.floor((part / whole) * 1000) / 10;
}
