import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ready } from '../../local/stack.ts';
import { githubHeaders, githubPayload } from '../../test/support/pipeline.ts';
import type { PeerEnvironment } from '../peers.ts';
import { drayage } from '../published.ts';
import { startTimed } from '../timed.ts';
import { mirrorFile, registryName } from './configurations.ts';
import type { TagsCorpus } from './corpus.ts';
import type { TagsRun, TagsRuns, Upstream } from './run.ts';

const pollMs = 20;
const unfinished = ['queued', 'waiting', 'copying'];
const endWithinMs = 10 * 60_000;

/**
 * Mirrors a corpus with `drayage local`: a webhook for each tag, all at once, until every job has
 * ended and every mapping names its digest; then the same webhooks again.
 *
 * The mirror is its embedded registry on loopback: only the upstream may be behind a wire.
 */
export async function runPipeline(
  { corpus, registry, road }: Upstream,
  environment: PeerEnvironment,
): Promise<TagsRuns> {
  const config = join(environment.folder, 'mirror.yaml');
  writeFileSync(config, JSON.stringify(mirrorFile({ from: road.host })));
  const command = [process.execPath, drayage, 'local', '--config', config];
  await using local = await startTimed(command, environment.variables);
  const ready = JSON.parse(await local.firstLine()) as Ready;
  const run = async (): Promise<Omit<TagsRun, 'peakMegabytes' | 'cpuSeconds'>> => {
    await road.reset();
    const cpuBefore = registry.cpuSeconds();
    const began = performance.now();
    const sent = corpus.images.map(({ repository, tag }) => sendWebhook(ready, repository, tag));
    await jobsEnded(ready, await Promise.all(sent));
    const seconds = (performance.now() - began) / 1000;
    const registryCpu = registry.cpuSeconds() - cpuBefore;
    await checkMappings(ready, corpus);
    const upstream = await road.read();
    const othersCpuSeconds = registryCpu + upstream.ownCpuSeconds;
    return { seconds, wallSeconds: seconds, upstream, othersCpuSeconds };
  };
  const [cold, again] = [await run(), await run()];
  local.interrupt();
  const { peakMegabytes } = await local.timing();
  // GNU time only reports on the whole process, including its start.
  const whole = { peakMegabytes, cpuSeconds: Number.NaN };
  return { cold: { ...cold, ...whole }, again: { ...again, ...whole } };
}

/** Returns the job's id. */
async function sendWebhook({ webhooks, api }: Ready, repository: string, tag: string): Promise<string> {
  const body = JSON.stringify(githubPayload(repository, tag));
  const headers = {
    'content-type': 'application/json',
    ...githubHeaders(body, webhooks.github?.secret ?? ''),
  };
  const answer = await fetch(`${api}/webhooks/github`, { method: 'POST', headers, body });
  const told = await answer.text();
  const { accepted = [] } =
    answer.status === 202 ? (JSON.parse(told) as { accepted?: { job: string }[] }) : {};
  const [first] = accepted;
  if (!first) throw new Error(`the webhook was answered ${answer.status}: ${told}`);
  return first.job;
}

/**
 * Waits for these jobs, but not for those that look for signatures later. It polls one at a time,
 * since the API runs on the same cores.
 */
async function jobsEnded({ api }: Ready, ids: string[]): Promise<void> {
  const until = Date.now() + endWithinMs;
  for (const id of ids) {
    for (;;) {
      const { state } = (await (await fetch(`${api}/v1/jobs/${id}`)).json()) as { state: string };
      if (!unfinished.includes(state)) break;
      if (Date.now() > until) throw new Error(`job ${id} is still ${state} after ${endWithinMs / 1000} s`);
      await sleep(pollMs);
    }
  }
}

async function checkMappings({ api }: Ready, { images }: TagsCorpus): Promise<void> {
  const answer = await fetch(`${api}/v1/mappings?registry=${registryName}&limit=1000`);
  const { mappings } = (await answer.json()) as { mappings: { image: string; digest: string }[] };
  const mapped = new Map(mappings.map(({ image, digest }) => [image, digest]));
  const wrong = images
    .map(({ repository, tag, image }) => ({ name: `${registryName}/${repository}:${tag}`, image }))
    .filter(({ name, image }) => mapped.get(name) !== image.manifest.digest)
    .map(({ name }) => `${name} is mapped to ${mapped.get(name) ?? 'nothing'}`);
  if (wrong.length > 0)
    throw new Error(`${wrong.length} of ${images.length} mappings are wrong: ${wrong.join(', ')}`);
}
