import { expect, onTestFinished } from 'vitest';
import type { RegistryClientOptions } from '../../../core/registry/client.ts';
import { startRegistry } from '../../../local/ecr/server.ts';
import { copyWhole, repositoryAt } from '../../support/copying.ts';
import { type HostileUpstreamOptions, startHostileUpstream } from '../../support/hostile-upstream.ts';
import { seededImage } from '../../support/seeded-image.ts';

/** What a hostile upstream serves unless it is told otherwise. */
export const image = seededImage({ seed: 'target', layers: [{ size: 200_000 }, { size: 900 }] });

/** Where it misbehaves, and how the copy fails. There is always a code, of whatever kind. */
export type HostileCase = [what: string, options: Hostility, error: Record<string, unknown>];
export type Hostility = Omit<HostileUpstreamOptions, 'image'>;

/** However an upstream answers, a copy ends within this time and uses no more than this memory. */
const mostMs = 10_000;
const mostBytes = 150 * 1024 * 1024;
/** An image of a thousand manifests is accepted, and each of them is one request. */
const mostRequests = 1_100;

const hasty: Partial<RegistryClientOptions> = {
  timeouts: { headersMs: 300, fetchMs: 300, idleBodyMs: 300 },
  retry: { attempts: 2, baseMs: 1, maxMs: 2 },
};

/**
 * Copies from a hostile upstream to a registry of its own, and checks that it ends soon and leaves
 * nothing there.
 */
export async function copyFrom(
  options: Hostility,
  client: Partial<RegistryClientOptions> = {},
  signal?: AbortSignal,
) {
  const upstream = await startHostileUpstream({ image, ...options });
  const mirror = await startRegistry({ flavour: 'distribution' });
  onTestFinished(() => mirror.stop());
  const source = repositoryAt(upstream, 'evil/app', { side: 'upstream', ...hasty, ...client });
  const destination = repositoryAt(mirror, 'app', { side: 'mirror' });
  const before = process.memoryUsage().rss;
  let highest = before;
  const look = () => {
    highest = Math.max(highest, process.memoryUsage().rss);
  };
  const watch = setInterval(look, 20);
  const begun = Date.now();
  const outcome: unknown = await copyWhole(source, destination, 'latest', {
    signal,
    pause: async () => {},
  }).catch((error: unknown) => error);
  const ms = Date.now() - begun;
  clearInterval(watch);
  look();
  expect(ms).toBeLessThan(mostMs);
  expect(highest - before).toBeLessThan(mostBytes);
  expect(upstream.requests.length).toBeLessThan(mostRequests);
  return { outcome, upstream, mirror };
}

/** Like {@link copyFrom}, for an upstream from which nothing may be taken. */
export async function expectRefused(options: Hostility, expected: Record<string, unknown>): Promise<void> {
  const { outcome, mirror } = await copyFrom(options);
  expect(outcome).toMatchObject({
    side: 'upstream',
    code: expect.stringMatching(/^[A-Z_]+$/),
    remedy: expect.stringMatching(/./),
    ...('operation' in expected ? { repository: 'evil/app' } : {}),
    ...expected,
  });
  const { message } = outcome as Error;
  expect(message.length).toBeLessThan(2_000);
  expect(mirror.tags('app')).toEqual([]);
  const manifests = mirror.requests.filter(({ path }) => path.includes('/manifests/'));
  expect(manifests, 'nothing was committed').toEqual([]);
}
