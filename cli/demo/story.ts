import type { Mapping } from '../../core/mapping/record.ts';
import { RegistryClient } from '../../core/registry/client.ts';
import { DrayageApi } from '../api/client.ts';
import { blobsOf, changedBlobs, checkMapping } from './checks.ts';
import {
  describeEnvironment,
  describeImage,
  describeJson,
  describeMapping,
  describePull,
  describePush,
} from './describe.ts';
import { type Environment, startEnvironment } from './environment.ts';
import { ensure } from './facts.ts';
import { type BuiltImage, buildBase, buildImage, changedFile, image, referenceOf } from './image.ts';
import type { ImageBlob } from './layer.ts';
import { mirrorVersion } from './mirror-version.ts';
import { pullAndCompare } from './pull-image.ts';
import { pushImage } from './push-image.ts';
import type { Screen, ScreenStream } from './screen.ts';
import { type Mirrored, summary, summaryAlign, summaryLeaveOut } from './summary.ts';

/** What the demo needs from its caller. */
export interface DemoOptions {
  screen: Screen;
  /** The stream of the screen, for the progress bar. */
  stream: ScreenStream;
  /** An empty folder for its files. */
  folder: string;
  /** Takes the pipeline's logs. */
  log: NodeJS.WritableStream;
  signal: AbortSignal;
}

/**
 * The whole demo, from the first server to the last comparison. Nothing is left running when it
 * ends.
 *
 * @throws DemoFailure if something does not happen as shown
 */
export async function tellStory(options: DemoOptions): Promise<void> {
  const { screen, folder, log, signal } = options;
  screen.line();
  screen.line(
    screen.paint(
      'bold',
      'A push upstream, a webhook, and the image is in the mirror: only missing layers travel',
    ),
  );
  screen.line();
  const environment = await screen.step('Start a registry and the pipeline on this machine', async (step) => {
    const begun = await startEnvironment(folder, log);
    describeEnvironment(begun, step);
    return begun;
  });
  try {
    signal.throwIfAborted();
    await mirrorTwice(environment, options);
  } finally {
    await environment.stop();
  }
}

async function mirrorTwice(environment: Environment, options: DemoOptions): Promise<void> {
  const { screen, stream, signal } = options;
  const { upstream, stack } = environment;
  await using publisher = new RegistryClient({
    registry: image.registry,
    endpoint: upstream.endpoint,
    side: 'upstream',
  });
  const mirror = (built: BuiltImage, missing: ImageBlob[]): Promise<Mirrored> =>
    screen.step(`Send GitHub's signed webhook for ${built.tag}, and follow the job`, (step) =>
      mirrorVersion({ built, missing }, { environment, step, stream, signal }),
    );
  const lookUp = async (built: BuiltImage): Promise<Mapping> => {
    const reference = referenceOf(built.tag);
    const mapping = await new DrayageApi(stack.ready, signal).mapping(reference);
    ensure(mapping !== undefined, `the API has no mapping of ${reference}`);
    checkMapping(mapping, built, stack.ready.registry);
    return mapping;
  };

  const first = await screen.step(
    `Build ${referenceOf('1.0')} out of what is installed here`,
    async (step) => {
      const built = await buildImage(await buildBase(signal), '1.0', signal);
      describeImage(built, step);
      return built;
    },
  );
  await screen.step('Push 1.0 to the upstream', async (step) =>
    describePush(first, await pushImage(publisher, first, signal), step),
  );
  const firstMirrored = await mirror(first, blobsOf(first));
  await screen.step('Ask the API where 1.0 is', async (step) => describeMapping(await lookUp(first), step));

  const second = await screen.step(`Change one file, ${changedFile}; build and push 2.0`, async (step) => {
    const built = await buildImage(first.layers.slice(0, -1), '2.0', signal);
    const pushed = await pushImage(publisher, built, signal);
    describeImage(built, step, changedBlobs(built, first));
    describePush(built, pushed, step);
    return built;
  });
  const secondMirrored = await mirror(second, changedBlobs(second, first));
  const mapping = await screen.step('Pull 2.0 through the mirror and compare every byte', async (step) => {
    const found = await lookUp(second);
    describePull(second, await pullAndCompare(found.mirror, second, signal), step);
    return found;
  });

  screen.rows(summary([firstMirrored, secondMirrored]), summaryAlign, summaryLeaveOut);
  screen.line();
  describeJson(mapping, screen);
  screen.line();
}
