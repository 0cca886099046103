import { existsSync } from 'node:fs';
import type { Config } from '../../core/config/config.ts';
import { type Coverage, coverageOf } from '../../core/discover/coverage.ts';
import { Inventory, type UsedImage } from '../../core/discover/inventory.ts';
import { isNode, readNode } from '../../core/discover/pod.ts';
import { type DiscoveredConfig, writeConfig } from '../../core/discover/write-config.ts';
import { parseConfig } from '../../core/mirror-yaml/parse.ts';
import { InvalidPlatformError, parsePlatform } from '../../core/oci/platform.ts';
import { parseImagePath } from '../rewrite/parse-image-path.ts';
import { CommandError } from '../shared/command-error.ts';
import { counted } from '../shared/format.ts';
import { readConfig } from '../shared/read-config.ts';
import { UsageError } from '../shared/usage-error.ts';
import { chooseRegion } from './choose-region.ts';
import type { DiscoverFlags } from './flags.ts';
import { kubectlGet } from './kubectl.ts';
import { openMirror } from './mirror-access.ts';
import { coverageText } from './print-coverage.ts';
import { addJson, type Reading, readSources } from './read-sources.ts';

/**
 * `drayage discover`
 *
 * @throws CommandError, UsageError
 */
export async function runDiscover(paths: readonly string[], flags: DiscoverFlags): Promise<void> {
  checkFlags(paths, flags);
  const config = flags.check === undefined ? undefined : configToCheck(flags.check);
  const mirror = await openMirror(flags);
  const prefix = config?.mirror.repositoryPrefix ?? flags.prefix ?? 'mirror';
  const inventory = new Inventory({ prefix, ...(mirror && { hosts: mirror.hosts }) });
  for (const platform of flags.platform ?? []) inventory.addPlatform(platform);
  const imagePaths = (flags.imagePath ?? []).map(parseImagePath);
  await read(paths, flags, { inventory, as: flags.as, tell, imagePaths });
  if (inventory.images.length + inventory.unnamed.length === 0)
    throw new CommandError(
      inventory.invalid.length === 0
        ? 'there are no images in the input'
        : `nothing in the input is an image reference: ${inventory.invalid
            .map(({ text }) => JSON.stringify(text))
            .slice(0, 3)
            .join(', ')}`,
      'pipe the pods of a cluster: kubectl get pods -A -o json | drayage discover',
    );
  if (config !== undefined) {
    const find = await mirror?.lookUp(inventory.images.map(({ image }) => image));
    printCoverage(coverageOf(inventory, config, find), flags);
  } else printConfig(inventory, flags, prefix);
}

/** The configuration of --check. If it is missing, the remedy does not speak of --config. */
function configToCheck(file: string): Config {
  if (!existsSync(file))
    throw new CommandError(
      `--check ${file} does not exist`,
      'write one first: kubectl get pods,nodes -A -o json | drayage discover > mirror.yaml',
    );
  return readConfig(file);
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

function checkFlags(paths: readonly string[], flags: DiscoverFlags): void {
  const asksCluster = flags.kubeconfig !== undefined || flags.context !== undefined;
  if (!asksCluster && paths.length === 0 && process.stdin.isTTY)
    throw new UsageError(
      'there is nothing to read. Pipe it: kubectl get pods -A -o json | drayage discover; or name files, or a cluster with --context',
    );
  if (paths.filter((path) => path === '-').length > 1)
    throw new UsageError('standard input can be read only once');
  if (flags.check !== undefined && flags.prefix !== undefined)
    throw new UsageError('the prefix comes from the configuration that --check reads: leave --prefix out');
  if (flags.check === undefined && flags.mapping !== undefined)
    throw new UsageError(
      '--mapping tells what is mirrored, which only --check reports: add --check mirror.yaml',
    );
  for (const platform of flags.platform ?? [])
    try {
      parsePlatform(platform);
    } catch (error) {
      if (error instanceof InvalidPlatformError) throw new UsageError(`--platform: ${error.message}`);
      throw error;
    }
}

/** Reads what is named; without any name, standard input, unless there is a cluster to ask. */
async function read(paths: readonly string[], flags: DiscoverFlags, reading: Reading): Promise<void> {
  const { kubeconfig, context } = flags;
  const asksCluster = kubeconfig !== undefined || context !== undefined;
  if (asksCluster) {
    await addJson('kubectl', kubectlGet(['pods', '--all-namespaces'], { kubeconfig, context }), reading);
    await readNodes(flags, reading.inventory);
  }
  await readSources(paths.length === 0 && !asksCluster ? ['-'] : paths, reading);
}

/** Only some may list nodes; without them, all platforms are mirrored. */
async function readNodes({ kubeconfig, context }: DiscoverFlags, inventory: Inventory): Promise<void> {
  try {
    for await (const { value } of kubectlGet(['nodes'], { kubeconfig, context }))
      if (isNode(value)) inventory.addNode(readNode(value));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    tell(`the nodes’ platforms are unknown: ${error.message}; name them with --platform`);
  }
}

function printConfig(inventory: Inventory, flags: DiscoverFlags, prefix: string): void {
  const choice = chooseRegion(flags.region, process.env.AWS_REGION, inventory.region);
  const discovered = writeConfig(inventory, choice, prefix);
  if (discovered.covered === 0)
    throw new CommandError(
      `none of these images can be mirrored:\n${discovered.leftOut.map((line) => `  ${line}`).join('\n')}`,
      'there is nothing to write into a mirror.yaml',
    );
  const parsed = parseConfig(discovered.text);
  if (!parsed.ok) {
    const [error] = parsed.errors;
    throw new CommandError(`${error?.path}: ${error?.message}`, 'change --region, AWS_REGION or --prefix');
  }
  process.stdout.write(
    flags.json ? `${JSON.stringify(inventoryJson(inventory, discovered))}\n` : discovered.text,
  );
  const { covered, repositories, registries, leftOut } = discovered;
  tell(
    `images: ${covered}, repositories: ${repositories}, registries: ${registries}; from ${counted(inventory.pods, 'pod')}`,
  );
  if (leftOut.length > 0) tell(`left out: ${leftOut.length}, with reasons at the end of the file`);
  if (!flags.json)
    tell(
      'Next: drayage validate --config FILE, then drayage local --config FILE, with the file that this was written to',
    );
}

function inventoryJson(inventory: Inventory, { text, leftOut }: DiscoveredConfig): unknown {
  return {
    config: text,
    pods: inventory.pods,
    nodes: inventory.nodes,
    platforms: inventory.platforms.map(([platform]) => platform),
    images: inventory.images.map(imageJson),
    leftOut,
  };
}

function imageJson({
  image,
  pods,
  places,
  mirroredPods,
  mirroredPlaces,
  digests,
  examples,
}: UsedImage): unknown {
  const fromMirror = mirroredPods.size + mirroredPlaces;
  return { image, pods: pods.size, places, fromMirror, running: [...digests], examples };
}

function printCoverage(coverage: Coverage, { check = '', json }: DiscoverFlags): void {
  process.stdout.write(json ? `${JSON.stringify(coverage)}\n` : coverageText(check, coverage));
  if (coverage.uncovered.length + (coverage.mirror?.notMirrored.length ?? 0) > 0) process.exitCode = 3;
}
