import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventLine } from '../../cli/copy/events.ts';
import type { CopyReport, TagsReport } from '../../cli/copy/run.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { drayage } from '../support/drayage.ts';
import { pushImage, seededImage } from '../support/seeded-image.ts';

describe('drayage copy --events', () => {
  let from: EmbeddedRegistry;
  let to: EmbeddedRegistry;
  const image = seededImage({ seed: 'events', layers: [{ size: 60_000 }, { size: 700 }] });
  beforeAll(async () => {
    [from, to] = await Promise.all([
      startRegistry({ flavour: 'distribution' }),
      startRegistry({ flavour: 'distribution' }),
    ]);
    await pushImage(from.endpoint, 'app', '1', image);
    await pushImage(from.endpoint, 'app', '2', image);
  });
  afterAll(() => Promise.all([from.stop(), to.stop()]));

  const run = async (...args: string[]) => {
    const result = await drayage(['copy', ...args, '--plain-http']);
    const lines = result.stdout.trim().split('\n');
    return { ...result, lines: lines.map((line) => JSON.parse(line)) };
  };

  it('prints the plan, each blob, the image and the end, and finally the report', async () => {
    const [source, destination] = [`${from.host}/app:1`, `${to.host}/events:1`];
    const { code, stderr, lines } = await run(source, destination, '--json', '--events');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = lines.pop() as CopyReport;
    expect(report).toMatchObject({ source, destination, digest: image.manifest.digest });
    expect(report).not.toHaveProperty('event');
    const events = lines as EventLine[];
    const bytes = [...image.blobs.values()].reduce((sum, { length }) => sum + length, 0);
    expect(events[0]).toMatchObject({
      event: 'plan',
      digest: image.manifest.digest,
      blobs: { blobs: 3, bytes },
    });
    const blobs = events.filter((line) => line.event === 'blob');
    for (const { digest, size } of [...image.layers, image.config]) {
      const states = blobs.filter((line) => line.digest === digest);
      expect(states.map(({ state }) => state)).toEqual(['started', 'copied']);
      expect(states[0]).toMatchObject({ sizeBytes: size, mediaType: expect.stringContaining('oci') });
    }
    expect(events.slice(-3)).toEqual([
      { event: 'progress', destination, bytes, totalBytes: bytes, blobs: 3, totalBlobs: 3 },
      {
        event: 'image',
        source,
        destination,
        digest: image.manifest.digest,
        outcome: 'copied',
        transfer: report.transfer,
        durationMs: report.durationMs,
      },
      { event: 'done', copied: 1, equal: 0, failed: 0, skipped: 0, durationMs: expect.any(Number) },
    ]);
  });

  it('reports that a blob is started over, and why', async () => {
    const [layer] = image.layers;
    to.faults.add({
      match: { method: 'PUT', path: encodeURIComponent(layer?.digest ?? ''), times: 1 },
      action: { kind: 'status', status: 503 },
    });
    const { code, lines } = await run(`${from.host}/app:1`, `${to.host}/again:1`, '--events');
    expect(code).toBe(0);
    const states = lines.filter(({ digest, event }) => event === 'blob' && digest === layer?.digest);
    expect(states.map(({ state }) => state)).toEqual(['started', 'restarted', 'copied']);
    expect(states[1].message).toMatch(/upload blob again@sha256/);
    expect(lines.filter(({ event }) => event === 'progress').at(-1)).toMatchObject({ blobs: 3 });
  });

  it('reports a failure with side, operation, repository and blob, and then no report', async () => {
    const digest = image.layers[0]?.digest ?? '';
    const remove = from.faults.add({ match: { path: digest }, action: { kind: 'status', status: 404 } });
    const { code, lines, stderr } = await run(`${from.host}/app:1`, `${to.host}/failed:1`, '--events');
    remove();
    expect(code).toBe(1);
    expect(lines.at(-2)).toMatchObject({
      event: 'failed',
      destination: `${to.host}/failed:1`,
      error: {
        code: 'UNKNOWN', // as the fault says
        side: 'upstream',
        operation: 'get blob',
        repository: 'app',
        reference: digest,
        remedy: expect.stringMatching(/./),
      },
    });
    expect(lines.at(-1)).toMatchObject({ event: 'done', copied: 0, failed: 1 });
    expect(stderr).toContain(`drayage: source ${from.host}: get blob app@${digest}`);
  });

  it('prints each tag, and finally the report on all of them', async () => {
    await run(`${from.host}/app:1`, `${to.host}/tags:1`, '--json');
    const { lines } = await run(`${from.host}/app`, `${to.host}/tags`, '--all-tags', '--events');
    const report = lines.pop() as TagsReport;
    expect(report).toMatchObject({ copied: 1, equal: 1, failed: 0 });
    const images = lines.filter(({ event }) => event === 'image');
    expect(images.map(({ source, outcome }) => [source, outcome])).toEqual([
      [`${from.host}/app:1`, 'equal'],
      [`${from.host}/app:2`, 'copied'],
    ]);
    expect(lines.at(-1)).toMatchObject({ event: 'done', copied: 1, equal: 1 });
  });
});
