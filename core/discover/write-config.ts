import {
  type ConfigText,
  comment,
  configText,
  type RuleText,
  type UpstreamText,
} from '../mirror-yaml/config-text.ts';
import { isSignatureTag } from '../oci/signature-tags.ts';
import { chooseTags, type TagChoice } from './choose-tags.ts';
import { groupRepositories } from './group-repositories.ts';
import type { Inventory, UsedImage } from './inventory.ts';
import { exemptionOf, reachNotes, webhookLines } from './registries.ts';
import { counted, podsOf, usesText } from './uses-text.ts';

/** Where the configuration’s region comes from. */
export interface RegionChoice {
  region: string;
  note?: string;
}

/** More of the same are only counted in comments. */
const mostListed = 20;

/** Of more registries than this, those with the fewest pods have no place in one file. */
const mostRegistries = 1_000;

/** A mirror.yaml that covers what an inventory has. */
export interface DiscoveredConfig {
  text: string;
  /** Images that a rule covers. */
  covered: number;
  repositories: number;
  registries: number;
  /** What it leaves out, and why. */
  leftOut: string[];
}

/** Writes a mirror.yaml for everything that runs and can be mirrored. */
export function writeConfig(
  inventory: Inventory,
  { region, note }: RegionChoice,
  repositoryPrefix: string,
): DiscoveredConfig {
  const leftOut: string[] = [];
  const used: UsedImage[] = [];
  const all = [...Map.groupBy(inventory.images, ({ reference }) => reference.registry)];
  for (const [index, [registry, images]] of all.sort(([, a], [, b]) => total(b) - total(a)).entries()) {
    const exemption = exemptionOf(registry, [region]);
    if (exemption === undefined && index < mostRegistries) used.push(...images);
    else
      leftOut.push(
        `${registry}: ${usesText(images)}; ${exemption?.reason ?? 'there are too many registries'}`,
      );
  }
  for (const { text, reason, ...uses } of inventory.invalid)
    leftOut.push(`${JSON.stringify(text.slice(0, 200))}: ${usesText([uses])}; not a reference: ${reason}`);
  for (const { image, ...uses } of inventory.unnamed)
    leftOut.push(`${image}: ${usesText([uses])}; of the mirror, but its name does not tell the upstream`);
  const registries = Map.groupBy(used, ({ reference }) => reference.registry);
  const upstreams = [...registries].map(([registry, images]) =>
    upstream(registry, images, inventory, [...registries.keys()]),
  );
  const text: ConfigText = {
    head: headLines(inventory, used),
    region,
    ...(note !== undefined && { regionNote: note }),
    repositoryPrefix,
    notes: [
      'The first rule that matches decides. * and ? stay within a path component, ** crosses them.',
      'Tags: from the oldest version that runs up to the next major one, with the suffixes that run.',
    ],
    upstreams,
    foot: leftOut.length === 0 ? [] : ['Not in here:', ...listed(leftOut).map((line) => `  ${line}`)],
  };
  return {
    text: configText(text),
    covered: used.length,
    repositories: new Set(used.map(({ reference: { registry, repository } }) => `${registry}/${repository}`))
      .size,
    registries: registries.size,
    leftOut,
  };
}

function headLines(inventory: Inventory, used: readonly UsedImage[]): string[] {
  const { pods, nodes, platforms } = inventory;
  const mirrored = used.filter(isFromMirror).length;
  return [
    `What runs, as drayage discover found it: ${pods} ${pods === 1 ? 'pod' : 'pods'}, ${used.length} ${used.length === 1 ? 'image' : 'images'} that can be mirrored.`,
    ...(mirrored > 0
      ? [
          `${mirrored} of these images already ${mirrored === 1 ? 'comes' : 'come'} from the mirror; rules name the upstream.`,
        ]
      : []),
    ...(nodes > 0
      ? [
          `Platforms of the ${nodes === 1 ? 'node' : `${nodes} nodes`}: ${platforms.map(([name, count]) => `${name} (${count})`).join(', ')}.`,
        ]
      : []),
    ...(platforms.length === 0
      ? [
          'All platforms are mirrored. To copy less, name those of your nodes: pipe kubectl get pods,nodes, or use --platform.',
        ]
      : []),
    'drayage validate checks this file; drayage local runs it on this machine; cdk deploy on AWS.',
  ];
}

function upstream(registry: string, images: UsedImage[], inventory: Inventory, all: string[]): UpstreamText {
  const repositories = Map.groupBy(images, ({ reference }) => reference.repository);
  const withSecrets = podsOf(images.map(({ podsWithSecrets }) => ({ pods: podsWithSecrets }))).size;
  const groups = groupRepositories(registry, [...repositories.keys()], all.length);
  return {
    registry,
    notes: [
      `${usesText(images)}, ${images.length === 1 ? '1 image' : `${images.length} images`}`,
      ...reachNotes(registry),
    ],
    ...(withSecrets > 0 && {
      credentialsNote: `${counted(withSecrets, 'pod')} with images from here ${withSecrets === 1 ? 'has' : 'have'} pull secrets, perhaps for this registry.`,
    }),
    webhook: webhookLines(registry, [...repositories.keys()], all),
    rules: groups.map(({ match, repositories: names }) =>
      rule(
        match,
        names.flatMap((name) => repositories.get(name) ?? []),
        names.length,
        inventory,
      ),
    ),
  };
}

function rule(match: string, images: UsedImage[], repositories: number, inventory: Inventory): RuleText {
  const tags = [...new Set(images.flatMap(({ reference: { tag } }) => tag ?? []))];
  const choice = tagsOf(tags.filter((tag) => !isSignatureTag(tag)));
  const byDigest = images.filter(({ reference }) => reference.digest !== undefined);
  const untagged = byDigest.filter(({ reference }) => reference.tag === undefined);
  const platforms = inventory.platforms.map(([name]) => name);
  const lines: string[] = [];
  if (untagged.length > 0)
    lines.push(
      comment(
        `${counted(untagged.length, 'image')} by digest alone, which drayage mirror copies: ${untagged[0]?.image}`,
      ),
    );
  if (choice !== undefined) lines.push(`tags: ${flow(choice)}`);
  else if (tags.length > 0) lines.push(comment('all tags: no pattern fits those that run'));
  if (platforms.length > 0 && byDigest.length === 0) lines.push(`platforms: [${platforms.join(', ')}]`);
  else if (platforms.length > 0)
    lines.push(comment('all platforms: an image that is named by digest has to stay as it is'));
  const grouped = repositories === 1 ? '' : `${repositories} repositories, `;
  return { match, note: `${grouped}${usesText(images)}${versionsNote(tags)}`, lines };
}

/** What only digests name has unknown tags: a few of the newest keep it up to date. */
function tagsOf(tags: readonly string[]): TagChoice | undefined {
  const choice = tags.length === 0 ? { latest: 5 } : chooseTags(tags);
  return Object.keys(choice).length === 0 ? undefined : choice;
}

function versionsNote(tags: readonly string[]): string {
  if (tags.length === 0) return '';
  const shown = tags.toSorted().slice(0, 4);
  return `: ${shown.join(', ').slice(0, 200)}${tags.length > 4 ? ` and ${tags.length - 4} more` : ''}`;
}

/** A map in one line; JSON texts are YAML. */
function flow(choice: TagChoice): string {
  const entries = Object.entries(choice).map(
    ([key, value]) =>
      `${key}: ${Array.isArray(value) ? `[${value.map((each) => JSON.stringify(each)).join(', ')}]` : JSON.stringify(value)}`,
  );
  return `{ ${entries.join(', ')} }`;
}

function listed(lines: readonly string[]): string[] {
  if (lines.length <= mostListed) return [...lines];
  return [...lines.slice(0, mostListed), `and ${lines.length - mostListed} more; --json has all of them`];
}

/** Whether a pod or place names the mirror’s copy of an image. */
function isFromMirror({ mirroredPods, mirroredPlaces }: UsedImage): boolean {
  return mirroredPods.size + mirroredPlaces > 0;
}

function total(images: readonly UsedImage[]): number {
  return images.reduce((sum, { pods, places }) => sum + pods.size + places, 0);
}
