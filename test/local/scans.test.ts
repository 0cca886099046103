import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../core/mirror-yaml/parse.ts';
import { type ApiJob, type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage, seededIndex } from '../support/seeded-image.ts';

const repository = 'mirror/ghcr.io/acme/app';
const image = (seed: string) => seededImage({ seed, layers: [{ size: 3_000 }] });

function configOf(upstream: string) {
  const parsed = parseConfig(`
version: 1
mirror: { regions: [eu-west-1], repositoryPrefix: mirror }
upstreams:
  - registry: ghcr.io
    endpoint: ${upstream}
    webhook: { source: github }
    repositories:
      - { match: acme/app, require: { maxBytes: 1MB, scan: { block: CRITICAL, wait: 10m } } }
      - { match: acme/hasty, require: { scan: { block: CRITICAL, wait: 1s } } }
      - { match: acme/quarantined, require: { age: 24h } }
`);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.config;
}

describe('images whose rule asks for their scan', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline({ configure: configOf, scheduleMs: 500 });
  });
  afterEach(() => {
    pipeline.stack.registry.scans.outcomeOf = () => ({ status: 'COMPLETE', counts: {} });
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const pushed = async (name: string, tag: string, one: Parameters<Pipeline['push']>[2]) => {
    await pipeline.push(name, tag, one);
    const { accepted } = (await (await pipeline.github(name, tag)).json()) as {
      accepted: { job: string }[];
    };
    return accepted[0]?.job ?? '';
  };
  const tag = (name: string) => pipeline.stack.registry.tag(repository, name);

  it('are mapped at the event of a scan without findings, and not before', async () => {
    const { scans } = pipeline.stack.registry;
    scans.outcomeOf = () => undefined;
    const index = seededIndex({ seed: 'held', layers: [{ size: 3_000 }] });
    const id = await pushed('acme/app', 'held', index);
    const waiting = await pipeline.jobIn(id, 'waiting');
    expect(waiting.error).toMatchObject({ code: 'scan_pending' });
    expect(waiting).not.toHaveProperty('scanning');
    const [first, second] = index.children.map(({ manifest }) => manifest.digest);
    if (!first || !second) throw new Error('no children');
    scans.finish({ repository, digest: first }, { status: 'COMPLETE', counts: { HIGH: 2 } });
    await pipeline.jobIn(id, 'waiting');
    expect(tag('held')).toBeUndefined();
    expect(await pipeline.mapping('ghcr.io/acme/app:held')).toBeUndefined();
    scans.finish({ repository, digest: second }, { status: 'COMPLETE', counts: {} });
    expect(await pipeline.jobIn(id, 'committed')).toMatchObject({ attempts: 1 });
    expect(tag('held')).toBe(index.manifest.digest);
    expect((await pipeline.mapping('ghcr.io/acme/app:held'))?.digest).toBe(index.manifest.digest);
  });

  it('are woken by the event long before they would look', async () => {
    const { scans } = pipeline.stack.registry;
    scans.outcomeOf = () => undefined;
    const one = image('woken');
    const id = await pushed('acme/app', 'woken', one);
    const { notBefore } = await pipeline.jobIn(id, 'waiting');
    scans.finish({ repository, digest: one.manifest.digest }, { status: 'COMPLETE', counts: {} });
    await pipeline.jobIn(id, 'committed');
    expect(Date.now()).toBeLessThan(Date.parse(notBefore ?? ''));
    expect(pipeline.logs()).toContain('jobs go on: a scan is over');
  });

  it('fail with findings, and the tag stays where it was', async () => {
    const good = image('good');
    expect(await pipeline.mirror('acme/app', 'stable', good)).toMatchObject({ state: 'committed' });
    pipeline.stack.registry.scans.outcomeOf = () => ({
      status: 'COMPLETE',
      counts: { CRITICAL: 3, HIGH: 1 },
    });
    const bad: ApiJob = await pipeline.mirror('acme/app', 'stable', image('bad'));
    expect(bad).toMatchObject({ state: 'failed', error: { code: 'scan_blocked' } });
    expect(bad.error?.message).toContain('3 CRITICAL; its rule blocks CRITICAL and above');
    expect(tag('stable')).toBe(good.manifest.digest);
    expect((await pipeline.mapping('ghcr.io/acme/app:stable'))?.digest).toBe(good.manifest.digest);
  });

  it('fail if they can’t be scanned, or not in time', async () => {
    const { scans } = pipeline.stack.registry;
    scans.outcomeOf = () => ({ status: 'FAILED', description: 'UnsupportedImageError: no packages' });
    const failed = await pipeline.mirror('acme/app', 'scratch', image('scratch'));
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'scan_unavailable' } });
    expect(failed.error?.message).toContain('it is FAILED (UnsupportedImageError: no packages)');
    scans.outcomeOf = () => undefined;
    const slow = await pipeline.mirror('acme/hasty', '1', image('slow'));
    expect(slow).toMatchObject({ state: 'failed', error: { code: 'scan_unavailable' } });
    expect(slow.error?.message).toContain('its scan is not finished after 1 seconds: it is IN_PROGRESS');
  });

  it('are refused for their size, or wait for their age, as the API tells', async () => {
    const large = seededImage({ seed: 'large', layers: [{ size: 1_200_000 }] });
    expect(await pipeline.mirror('acme/app', 'large', large)).toMatchObject({
      state: 'failed',
      error: { code: 'too_large' },
    });
    const id = await pushed('acme/quarantined', '1', image('new'));
    const waiting = await pipeline.jobIn(id, 'waiting');
    expect(waiting.error).toMatchObject({ code: 'too_young' });
    expect(waiting).not.toHaveProperty('heldUntil');
    const hours = (Date.parse(waiting.notBefore ?? '') - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.9);
    expect(hours).toBeLessThan(24);
    expect(
      pipeline.stack.registry.hasManifest('mirror/ghcr.io/acme/quarantined', image('new').manifest.digest),
    ).toBe(false);
  });
});
