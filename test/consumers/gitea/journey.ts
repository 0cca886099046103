import { setTimeout as sleep } from 'node:timers/promises';
import type { Mapping } from '../../../core/mapping/record.ts';
import { drayage, type RunningLocal } from '../../support/drayage.ts';
import type { SeededImage, SeededIndex } from '../../support/seeded-image.ts';
import { pushToGitea } from './push.ts';
import type { Gitea } from './start-gitea.ts';

/**
 * How long a push may go without a mapping before it counts as lost. Nothing makes up for a lost
 * delivery.
 */
const lostAfterMs = 30_000;

/** What the steps share: a Gitea, a pipeline and a folder. */
export interface Journey {
  gitea: Gitea;
  local: RunningLocal;
  folder: string;
  /** Notes a finding for the table. */
  note(step: string, found: string, ms?: number): void;
}

/** A push that was mapped. */
export interface Followed {
  reference: string;
  mapping: Mapping;
  /** From skopeo's end to the mapping: below 1 if the mapping came first. */
  ms: number;
}

/** Pushes, and waits until the tag is mapped to the pushed image. @throws when the push is lost */
export async function pushAndFollow(
  journey: Journey,
  repository: string,
  tag: string,
  image: SeededImage | SeededIndex,
): Promise<Followed> {
  const reference = await pushToGitea(journey.gitea, { folder: journey.folder, repository, tag, image });
  const pushed = performance.now();
  let last = '';
  while (performance.now() - pushed < lostAfterMs) {
    const response = await fetch(
      `${journey.local.ready.api}/v1/mappings?image=${encodeURIComponent(reference)}`,
    );
    last = await response.text();
    if (response.ok) {
      const mapping = JSON.parse(last) as Mapping;
      if (mapping.sourceDigest === image.manifest.digest)
        return { reference, mapping, ms: performance.now() - pushed };
    }
    await sleep(10);
  }
  const log = journey.local.stderr().trimEnd().split('\n').slice(-20).join('\n');
  const wanted = `${reference} is not mapped to ${image.manifest.digest}`;
  throw new Error(`${wanted} within ${lostAfterMs / 1000} s, but the API answers ${last}\n${log}`);
}

/**
 * Runs `drayage webhooks …` against the pipeline.
 *
 * @returns what it prints.
 * @throws when it fails, with what it wrote
 */
export async function webhooks({ gitea, local }: Journey, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await drayage(['webhooks', ...args, '--api', local.ready.api], {
    env: { ...process.env, DRAYAGE_UPSTREAM_TOKEN: gitea.token },
  });
  if (code !== 0)
    throw new Error(`drayage webhooks ${args.join(' ')} ended with ${code}:\n${stderr}${stdout}`);
  return stdout;
}

/** Enters the pipeline's webhook at Gitea. */
export function register(journey: Journey): Promise<string> {
  const { user, endpoint } = journey.gitea;
  return webhooks(journey, 'register', 'gitea', '--user', user, '--endpoint', endpoint);
}
