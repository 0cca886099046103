import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { type SeededImage, seededImage } from '../support/seeded-image.ts';
import { openBrowser, type Visit } from './browser.ts';

/** A local stack, and a browser to look at its page. */
export interface Stand extends Visit {
  pipeline: Pipeline;
  /** Opens a view: what stands after `#/`. */
  open(view: string): Promise<void>;
}

/** Starts both; `await using` stops them. */
export async function startStand({
  browser = {},
  ...stack
}: Parameters<typeof startPipeline>[0] & {
  browser?: Parameters<typeof openBrowser>[0];
} = {}): Promise<Stand> {
  const pipeline = await startPipeline(stack);
  const visit = await openBrowser(browser).catch(async (error) => {
    await pipeline[Symbol.asyncDispose]();
    throw error;
  });
  visit.page.setDefaultTimeout(30_000);
  return {
    ...visit,
    pipeline,
    async open(view) {
      await visit.page.goto(`${pipeline.api}/#/${view}`);
      await visit.page.locator('h1').waitFor();
    },
    async [Symbol.asyncDispose]() {
      await visit[Symbol.asyncDispose]();
      await pipeline[Symbol.asyncDispose]();
    },
  };
}

/** A small image. */
export function smallImage(seed: string, size = 3_000): SeededImage {
  return seededImage({ seed, layers: [{ size }] });
}

/** Pushes an image that the upstream then does not let anybody read, and waits for its job. */
export async function mirrorForbidden(
  { upstream, ...pipeline }: Pipeline,
  repository: string,
): Promise<() => void> {
  await pipeline.push(repository, '1.0', smallImage(repository));
  const allow = upstream.faults.add({
    match: { path: `/${repository}/` },
    action: { kind: 'status', status: 403 },
  });
  const answer = await pipeline.github(repository, '1.0');
  const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
  await pipeline.jobIn(accepted[0]?.job ?? '', 'failed');
  return allow;
}

/** What a page must not do: ask another origin, or try what its policy refuses. */
export function misbehaviour({ requests, violations, pipeline }: Stand): string[] {
  return [...violations, ...requests.filter((address) => !address.startsWith(`${pipeline.api}/`))];
}
