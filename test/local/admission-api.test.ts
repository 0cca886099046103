import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { AdmissionAnswer } from '../../core/admission/review.ts';
import { type ApiJob, type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';
import { debugReviewOf, patched, patchOf, reviewOf } from '../unit/admission/reviews.ts';

const image = seededImage({ seed: 'admission', layers: [{ size: 500 }] });
const podOf = (...images: string[]) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'shop' },
  spec: { containers: images.map((each, at) => ({ name: `c${at}`, image: each })) },
});

describe('the admission webhook of the API', () => {
  let pipeline: Pipeline;
  let operator: Record<string, string>;
  let url: string;
  beforeAll(async () => {
    pipeline = await startPipeline({ auth: true });
    operator = { authorization: `Bearer ${pipeline.stack.ready.tokens?.operator}` };
    url = await address(operator);
    await pipeline.push('acme/shop', '1.0', image);
    const queued = await pipeline.post('/v1/mirrors', { images: ['ghcr.io/acme/shop:1.0'] }, operator);
    const { jobs } = (await queued.json()) as { jobs: ApiJob[] };
    await committed(jobs[0]?.id ?? '');
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const address = async (headers: Record<string, string>) => {
    const answer = await fetch(`${pipeline.api}/v1/admission`, { headers });
    expect(answer.status).toBe(200);
    return ((await answer.json()) as { url: string }).url;
  };
  const jobsOf = async (name: string) => {
    const answer = await fetch(`${pipeline.api}/v1/jobs?image=${name}`, { headers: operator });
    return ((await answer.json()) as { jobs: ApiJob[] }).jobs;
  };
  const committed = (id: string) =>
    vi.waitFor(
      async () => {
        const answer = await fetch(`${pipeline.api}/v1/jobs/${id}`, { headers: operator });
        expect(((await answer.json()) as ApiJob).state).toBe('committed');
      },
      { timeout: 20_000 },
    );
  const ask = async (review: unknown, segment = '') => {
    const answer = await fetch(`${url}${segment}?timeout=5s`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, */*' },
      body: JSON.stringify(review),
    });
    expect(answer.status).toBe(200);
    return (await answer.json()) as AdmissionAnswer;
  };

  it('has an address that only the operator sees', async () => {
    expect(url).toMatch(new RegExp(`^${pipeline.api}/v1/admission/[\\w-]{43}$`));
    const reader = { authorization: `Bearer ${pipeline.stack.ready.tokens?.reader}` };
    expect(await address(reader)).toBe(`${pipeline.api}/v1/admission/…`);
    expect((await fetch(`${pipeline.api}/v1/admission`)).status).toBe(401);
    expect((await fetch(`${pipeline.api}/v1/admission/wrong`, { method: 'POST', body: '{}' })).status).toBe(
      404,
    );
  });

  it('rewrites what is mirrored, and nothing else', async () => {
    const pod = podOf('ghcr.io/acme/shop:1.0', 'busybox', 'ghcr.io/acme/shop:1.0');
    const after = patched(pod, await ask(reviewOf({ object: pod })));
    const pinned = `${pipeline.stack.ready.registry}/mirror/ghcr.io/acme/shop@${image.manifest.digest}`;
    expect(after.spec.containers.map((each) => each.image)).toEqual([pinned, 'busybox', pinned]);
    expect(after.metadata).toEqual({
      name: 'shop',
      annotations: {
        'original-image.drayage.dev/c0': 'ghcr.io/acme/shop:1.0',
        'original-image.drayage.dev/c2': 'ghcr.io/acme/shop:1.0',
      },
    });
    expect((await ask(reviewOf({ object: after }), '/deny')).response).toMatchObject({
      allowed: false,
      status: { message: 'drayage: busybox (container c1) is not mirrored' },
    });
  });

  it('names tags if its address says so', async () => {
    const pod = podOf('ghcr.io/acme/shop:1.0');
    expect(patchOf(await ask(reviewOf({ object: pod }), '/keep-tags'))[0]?.value).toBe(
      `${pipeline.stack.ready.registry}/mirror/ghcr.io/acme/shop:1.0`,
    );
  });

  it('rewrites new ephemeral containers only', async () => {
    const before = podOf('ghcr.io/acme/shop:1.0');
    const debug = { name: 'debug', image: 'ghcr.io/acme/shop:1.0' };
    const after = { ...before, spec: { ...before.spec, ephemeralContainers: [debug] } };
    expect(patchOf(await ask(debugReviewOf(after, before))).map(({ path }) => path)).toEqual([
      '/spec/ephemeralContainers/0/image',
    ]);
    expect(patchOf(await ask(debugReviewOf(after, after)))).toEqual([]);
  });

  it('enqueues what a rule names, once, and never in a dry run', async () => {
    const name = 'ghcr.io/acme/late:1.0';
    const pod = podOf(name, 'ghcr.io/other/x:1', 'ghcr.io/acme/shop:1.0');
    await pipeline.push('acme/late', '1.0', image);
    const dry = await ask(reviewOf({ object: pod, dryRun: true }), '/enqueue');
    expect(dry.response.warnings?.[0]).toMatch(/is not mirrored: it is pulled from ghcr\.io$/);
    expect(await jobsOf(name)).toEqual([]);
    const asked = await ask(reviewOf({ object: pod }), '/enqueue');
    expect(asked.response.warnings?.[0]).toMatch(/it was asked for, and for now it is pulled/);
    expect(patchOf(asked)).toHaveLength(2);
    await ask(reviewOf({ object: pod }), '/enqueue');
    const jobs = await jobsOf(name);
    expect(jobs).toHaveLength(1);
    expect(await jobsOf('ghcr.io/other/x:1')).toEqual([]);
    await committed(jobs[0]?.id ?? '');
    expect(patchOf(await ask(reviewOf({ object: pod })))).toHaveLength(3);
  });

  it('leaves its secret out of the logs', () => {
    expect(pipeline.logs()).toContain('"admission"');
    expect(pipeline.logs()).not.toContain(url.slice(-43));
  });
});
