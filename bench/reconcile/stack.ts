/**
 * A local stack in a process of its own: its parent sends the configuration, then `go`, and is told
 * what is mapped when that are so many images.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../core/config/config.ts';
import { startLocalStack } from '../../local/stack.ts';

/** What the parent sends first. */
export interface StackOrder {
  config: Config;
  /** How many images must be mapped. */
  images: number;
  /** How many functions mirror side by side. */
  instances: number;
}

/** What it is told in the end. */
export interface StackTold {
  /** What is mapped: image → digest. */
  mapped: Record<string, string>;
  /** Of the whole stack, emulators and mirror included. */
  cpuSeconds: number;
}

/** As deployed: `drayage local` looks each second. */
const snapshotMs = 60_000;
const pollMs = 100;

process.once('message', async ({ config, images, instances }: StackOrder) => {
  const committed = new Set<string>();
  const stack = await startLocalStack({
    config,
    reconcileMs: 0,
    snapshotMs,
    mirrorInstances: instances,
    log: process.stderr,
    watcher: {
      delivery() {},
      job({ key, state }) {
        if (state === 'committed') committed.add(`${key.repository}:${key.reference}`);
      },
    },
  });
  const { api } = stack.ready;
  process.once('message', async () => {
    const before = process.cpuUsage();
    const comparing = compare(stack.functions.reconcile);
    // Looking at the jobs costs less than asking the API, which runs on the same cores.
    while (committed.size < images) await sleep(pollMs);
    const { user, system } = process.cpuUsage(before);
    const told: StackTold = { mapped: await mapped(api, images), cpuSeconds: (user + system) / 1e6 };
    process.send?.(told);
    await comparing;
    await stack.stop();
    process.disconnect();
  });
  process.send?.('ready');
});

/** Calls the function until everything is compared: what a call leaves, the next one continues. */
async function compare(reconcile: { invoke(event: unknown): Promise<unknown> }): Promise<void> {
  for (;;) {
    const walked = (await reconcile.invoke({ time: new Date().toISOString() })) as
      | { isDone: boolean }
      | undefined;
    if (walked?.isDone) return;
    await sleep(1_000);
  }
}

async function mapped(api: string, images: number): Promise<Record<string, string>> {
  for (;;) {
    const all = await digests(api, images);
    if (Object.keys(all).length >= images) return all;
    await sleep(pollMs);
  }
}

/** What is mapped: image → digest. A busy API may not answer; then nothing is. */
async function digests(api: string, images: number): Promise<Record<string, string>> {
  const answer = await fetch(`${api}/v1/mappings?registry=registry.example&limit=${images}`);
  if (!answer.ok) return {};
  const { mappings } = (await answer.json()) as { mappings: { image: string; digest: string }[] };
  return Object.fromEntries(mappings.map(({ image, digest }) => [image, digest]));
}
