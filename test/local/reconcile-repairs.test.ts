import { DescribeRepositoriesCommand, PutImageScanningConfigurationCommand } from '@aws-sdk/client-ecr';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ecrClient } from '../contract/ecr/ecr-fixture.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 1_000 }] });

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline();
});
afterAll(() => pipeline?.[Symbol.asyncDispose]());

/** Compares a repository, as the schedule does when somebody has asked for it. */
async function compare(repository?: string): Promise<void> {
  expect((await pipeline.post('/v1/reconcile', { repository })).status).toBe(202);
  await pipeline.stack.functions.reconcile.invoke({ time: new Date().toISOString() });
}

it('puts right the settings of a repository that gets no images', async () => {
  await pipeline.mirror('acme/drifted', '1', image('drifted'));
  const client = ecrClient(pipeline.stack.registry);
  const repositoryName = 'mirror/ghcr.io/acme/drifted';
  const imageScanningConfiguration = { scanOnPush: false };
  await client.send(new PutImageScanningConfigurationCommand({ repositoryName, imageScanningConfiguration }));
  await compare('ghcr.io/acme/drifted');
  const { repositories } = await client.send(
    new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] }),
  );
  expect(repositories?.[0]?.imageScanningConfiguration).toEqual({ scanOnPush: true });
});

it('finds what only a failed job knows', async () => {
  await pipeline.push('acme/later', '1', image('later'));
  for (const path of ['/_catalog', '/acme/later/manifests/'])
    pipeline.upstream.faults.add({ match: { path }, action: { kind: 'status', status: 403 } });
  const answer = await pipeline.github('acme/later', '1');
  const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
  await pipeline.jobIn(accepted[0]?.job ?? '', 'failed');
  pipeline.upstream.faults.clear();
  pipeline.upstream.faults.add({
    match: { path: '/_catalog' },
    action: { kind: 'status', status: 403 },
  });
  await compare();
  await vi.waitFor(
    async () =>
      expect((await pipeline.mapping('ghcr.io/acme/later:1'))?.digest).toBe(image('later').manifest.digest),
    { timeout: 40_000, interval: 100 },
  );
});
