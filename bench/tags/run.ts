import type { DockerRegistry } from '../../test/support/docker-registry.ts';
import type { PeerEnvironment } from '../peers.ts';
import { startBenchRegistry } from '../registry.ts';
import { type Timing, timed } from '../timed.ts';
import { secondsOver, type WireCounts } from '../wire/counts.ts';
import type { TagsCorpus } from './corpus.ts';
import type { TagsProgram } from './programs.ts';
import { openRoad, type Road } from './road.ts';

/** An upstream with a corpus, and the connection to it. */
export interface Upstream {
  corpus: TagsCorpus;
  registry: DockerRegistry;
  road: Road;
  /** Whether the mirror is behind a wire, too. */
  isWired: boolean;
}

/** One run of a program. */
export interface TagsRun extends Timing {
  /** From the first request to the end of the last answer. */
  seconds: number;
  upstream: WireCounts;
  /** Undefined if the mirror is part of the program. */
  mirror?: WireCounts;
  /** CPU seconds of the registries and the wires, which share the machine with the program. */
  othersCpuSeconds: number;
}

/** A run into an empty registry, and another right after it that finds nothing to do. */
export interface TagsRuns {
  cold: TagsRun;
  again: TagsRun;
}

/**
 * Makes a program copy a corpus into a new registry, twice.
 *
 * @throws if it fails, or a tag is missing or wrong afterwards
 */
export async function runProgram(
  upstream: Upstream,
  program: TagsProgram,
  environment: PeerEnvironment,
): Promise<TagsRuns> {
  await using mirror = await startBenchRegistry();
  await using mirrorRoad = await openRoad(mirror, upstream.isWired);
  const { corpus, road } = upstream;
  const run = async (): Promise<TagsRun> => {
    await road.reset();
    await mirrorRoad.reset();
    const cpuBefore = upstream.registry.cpuSeconds() + mirror.cpuSeconds();
    const timing = await timed(
      program.command({
        from: road.host,
        to: mirrorRoad.host,
        repositories: corpus.repositories,
        folder: environment.folder,
      }),
      environment.variables,
    );
    const registriesCpu = upstream.registry.cpuSeconds() + mirror.cpuSeconds() - cpuBefore;
    const roads = await Promise.all([road.read(), mirrorRoad.read()]);
    await checkTags(mirror.endpoint, corpus, program.destination);
    const wiresCpu = roads.reduce((sum, { ownCpuSeconds }) => sum + ownCpuSeconds, 0);
    return {
      ...timing,
      seconds: secondsOver(roads),
      upstream: roads[0],
      mirror: roads[1],
      othersCpuSeconds: registriesCpu + wiresCpu,
    };
  };
  return { cold: await run(), again: await run() };
}

/** @throws unless every tag of a corpus names the same digest in the mirror */
async function checkTags(
  endpoint: string,
  { images }: TagsCorpus,
  destination: (repository: string) => string,
): Promise<void> {
  const wrong: string[] = [];
  for (const { repository, tag, image } of images) {
    const answer = await fetch(`${endpoint}/v2/${destination(repository)}/manifests/${tag}`, {
      method: 'HEAD',
      headers: { accept: image.manifest.mediaType },
    });
    const found = answer.headers.get('docker-content-digest');
    if (found !== image.manifest.digest) wrong.push(`${repository}:${tag} is ${found ?? answer.status}`);
  }
  if (wrong.length > 0)
    throw new Error(`${wrong.length} of ${images.length} tags are wrong in the mirror: ${wrong.join(', ')}`);
}
