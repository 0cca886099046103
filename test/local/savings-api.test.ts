import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Savings } from '../../lambda/api/savings.ts';
import type { Status } from '../../lambda/api/status.ts';
import { type ApiJob, type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

describe('GET /v1/savings', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline({ auth: true });
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const image = (seed: string) => seededImage({ seed, layers: [{ size: 3_000 }] });
  const ask = async (path: string, token = pipeline.stack.ready.tokens?.reader) =>
    await fetch(`${pipeline.api}${path}`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
  const read = async <T>(path: string) => (await (await ask(path)).json()) as T;
  const finished = async (answer: Response) => {
    const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
    const id = accepted[0]?.job ?? '';
    for (;;) {
      const job = await read<ApiJob>(`/v1/jobs/${id}`);
      if (['committed', 'satisfied', 'failed'].includes(job.state)) return job;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  it('adds up what the jobs of webhooks did, and the status has their lag', async () => {
    expect((await ask('/v1/savings', 'wrong')).status).toBe(401);
    expect((await read<Status>('/v1/status')).upstreams[0]).not.toHaveProperty('lag');

    const jobs: ApiJob[] = [];
    for (const tag of ['1', '2']) {
      await pipeline.push('acme/saved', tag, image('same'));
      jobs.push(await finished(await pipeline.github('acme/saved', tag)));
    }
    expect(jobs.map(({ state }) => state)).toEqual(['committed', 'committed']);
    await finished(await pipeline.github('acme/saved', '2'));

    const sum = (what: 'copied' | 'mounted' | 'present') => ({
      blobs: jobs.reduce((all, { transfer }) => all + (transfer?.[what].blobs ?? 0), 0),
      bytes: jobs.reduce((all, { transfer }) => all + (transfer?.[what].bytes ?? 0), 0),
    });
    // A job is counted when the other jobs of its batch have ended, too.
    await expect
      .poll(async () => (await read<Savings>('/v1/savings?days=2')).days.at(-1), { timeout: 20_000 })
      .toMatchObject({ images: 2, copied: sum('copied'), mounted: sum('mounted'), present: sum('present') });
    expect(sum('present').blobs).toBeGreaterThan(0);
    const { days } = await read<Savings>('/v1/savings');
    expect(days).toHaveLength(30);
    expect(days.at(-1)?.day).toBe(new Date().toISOString().slice(0, 10));

    const [ghcr, hub] = (await read<Status>('/v1/status')).upstreams;
    expect(ghcr?.lag?.jobs).toBe(2);
    const longest = Math.max(...jobs.map(({ lagMs = 0 }) => lagMs));
    expect(Math.abs((ghcr?.lag?.maxMs ?? 0) - longest)).toBeLessThanOrEqual(longest / 10);
    expect(hub).not.toHaveProperty('lag');
  });
});
