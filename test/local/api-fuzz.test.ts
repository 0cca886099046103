import '../support/fixed-seed.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MirrorImages } from '../../core/registry-events/ports.ts';
import { ApiDeployment } from '../../lambda/api/api-deployment.ts';
import { bodyLike, cursorLike, type FuzzedRequest, fuzzedApi, referenceLike } from '../support/api-fuzz.ts';
import { keyOf, type LocalStores, mappingOf, resolveOf, startStores } from '../support/local-stores.ts';
import { pipelineConfig } from '../support/pipeline.ts';

const config = pipelineConfig('http://127.0.0.1:9');

/** The API on a table of its own; jobs go nowhere. */
class FuzzedDeployment extends ApiDeployment {
  readonly #stores: LocalStores;
  constructor(stores: LocalStores) {
    super({ DRAYAGE_API_SECRET: '', DRAYAGE_WEBHOOK_SECRET: 'webhooks' });
    this.#stores = stores;
  }
  override get config() {
    return config;
  }
  override get mappings() {
    return this.#stores.mappings;
  }
  override get jobs() {
    return this.#stores.jobs;
  }
  override get queue() {
    return { send: async () => [] } as unknown as ApiDeployment['queue'];
  }
  override get images() {
    return { losses: async () => [undefined] } satisfies MirrorImages;
  }
}

const posts = ['resolve', 'rollback', 'pin', 'unpin'].map((name) => `/v1/mappings/${name}`);
const encoded = fc.constantFrom(encodeURIComponent, (text: string) => text);

describe('the API, asked what makes no sense,', () => {
  let stores: LocalStores;
  let send: ReturnType<typeof fuzzedApi>;
  beforeAll(async () => {
    stores = await startStores();
    await stores.mappings.putRegistryHost('eu-west-1', 'mirror.example');
    const mapping = mappingOf('fuzz');
    const lease = await stores.mappings.acquireLease(keyOf('latest'), 'job', 30_000);
    if (lease) await stores.mappings.publish(keyOf('latest'), lease, mapping, resolveOf(mapping, 1));
    send = fuzzedApi(new FuzzedDeployment(stores));
  });
  afterAll(() => stores?.close());

  /** Sends that many requests, and returns how often each status came. */
  async function statuses(
    requests: fc.Arbitrary<FuzzedRequest>,
    numRuns: number,
  ): Promise<Map<number, number>> {
    const counts = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(requests, async (request) => {
        const { status } = await send(request);
        counts.set(status, (counts.get(status) ?? 0) + 1);
      }),
      { numRuns },
    );
    return counts;
  }

  it.each([
    ['/v1/mappings', 4_000],
    ['/v1/mappings/history', 3_500],
    ['/v1/jobs', 500],
  ])('at %s, gives %i references a definite answer', async (path, count) => {
    const one = fc.tuple(referenceLike, encoded).map(
      ([image, encode]): FuzzedRequest => ({
        method: 'GET',
        path,
        query: `image=${encode(image.toWellFormed())}`,
      }),
    );
    const counts = await statuses(one, count);
    expect(counts.get(400)).toBeGreaterThan(count / 10);
    expect(count - (counts.get(400) ?? 0)).toBeGreaterThan(count / 10);
  });

  it('gives 5,000 cursors, limits and names a definite answer', async () => {
    const one = fc
      .tuple(
        fc.constantFrom('/v1/mappings', '/v1/jobs'),
        fc.record(
          {
            cursor: cursorLike,
            limit: fc.oneof(fc.integer().map(String), fc.string()),
            registry: referenceLike,
            repository: referenceLike,
            region: fc.string(),
            state: fc.oneof(fc.constantFrom('failed', 'failed,waiting', ','), fc.string()),
          },
          { requiredKeys: ['cursor'] },
        ),
      )
      .map(
        ([path, query]): FuzzedRequest => ({
          method: 'GET',
          path,
          query: String(new URLSearchParams(query)),
        }),
      );
    const counts = await statuses(one, 5_000);
    expect(counts.get(400)).toBeGreaterThan(1_000);
  });

  it('gives 6,500 bodies a definite answer', async () => {
    const one = fc
      .tuple(fc.constantFrom(...posts, '/v1/mirrors', '/v1/webhooks/none/rotate'), bodyLike)
      .map(([path, body]): FuzzedRequest => ({ method: 'POST', path, body }));
    const counts = await statuses(one, 6_500);
    expect(counts.get(400)).toBeGreaterThan(1_000);
    expect(counts.get(200)).toBeGreaterThan(50);
  });

  it('gives 500 paths a definite answer', async () => {
    const one = fc
      .tuple(
        fc.constantFrom<'GET' | 'POST'>('GET', 'POST'),
        fc.constantFrom('/v1/jobs/', '/v1/webhooks/', '/v1/', '/'),
        fc.oneof(cursorLike, referenceLike),
      )
      .map(([method, folder, name]): FuzzedRequest => ({ method, path: folder + name }));
    await statuses(one, 500);
  });
});
