import type { Context, SQSEvent } from 'aws-lambda';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { MappingStore } from '../../../core/mapping/store.ts';
import { RegistryEventsDeployment } from '../../../lambda/registry-events/deployment.ts';
import { createHandler } from '../../../lambda/registry-events/handler.ts';
import { meter } from '../../../lambda/shared/metrics.ts';
import { logger } from '../../../lambda/shared/telemetry.ts';
import { configOf, withUpstream } from '../mirror-yaml/config-text.ts';
import { deletion } from '../registry-events/events.ts';

const config = configOf(
  withUpstream('  - registry: docker.io', '    repositories: [{ match: "library/*" }]'),
);
const context = { functionName: 'test', getRemainingTimeInMillis: () => 90_000 } as Context;
const [region = ''] = config.mirror.regions;
const prefix = config.mirror.repositoryPrefix;

/** A deletion in a repository of the mirror. */
const lost = (name: string) => ({
  ...deletion({ 'repository-name': `${prefix}/docker.io/library/${name}` }),
  region,
});

/** A deployment without mappings, whose table can't be read for one repository. */
class Failing extends RegistryEventsDeployment {
  readonly asked: string[] = [];
  readonly hidden: string[] = [];
  override get mappings() {
    const upstreamOf = async (repository: string) => {
      this.asked.push(repository);
      if (repository.endsWith('/broken')) throw new Error('the table is unreachable');
      return undefined;
    };
    return { upstreamOf } as unknown as MappingStore;
  }
  override get events() {
    return {
      hideFor: async (handle: string, seconds: number) => void this.hidden.push(`${handle} ${seconds}`),
    };
  }
}

/** What the function answers, for these messages. */
async function run(deployment: Failing, ...bodies: string[]) {
  const Records = bodies.map((body, index) => ({
    body,
    messageId: `${index}`,
    receiptHandle: `receipt ${index}`,
    attributes: { ApproximateReceiveCount: '2' },
  }));
  return await createHandler(deployment)({ Records } as unknown as SQSEvent, context);
}

const environment = {
  DRAYAGE_CONFIG_JSON: JSON.stringify(config),
  DRAYAGE_TABLE: 'table',
  DRAYAGE_QUEUE_URL: 'https://sqs.example/mirror.fifo',
  DRAYAGE_ACCOUNT: '123456789012',
  DRAYAGE_REGISTRY_EVENTS_QUEUE_URL: 'https://sqs.example/events',
};

describe('the registry-events function', () => {
  beforeEach(() => {
    for (const level of ['info', 'warn', 'error'] as const)
      vi.spyOn(logger, level).mockImplementation(() => {});
    vi.spyOn(meter, 'publish').mockImplementation(() => {});
  });

  it('has only those messages delivered again, later each time, whose repository failed', async () => {
    const deployment = new Failing(environment);
    const answer = await run(
      deployment,
      ...[lost('nginx'), lost('broken'), lost('nginx'), lost('broken')].map((one) => JSON.stringify(one)),
    );
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '1' }, { itemIdentifier: '3' }] });
    // They came for the second time.
    expect(deployment.hidden).toEqual(['receipt 1 20', 'receipt 3 20']);
    expect(deployment.asked).toEqual(
      ['nginx', 'broken'].map((name) => `${prefix}/docker.io/library/${name}`),
    );
  });

  it('is done with what is not an event of its registry', async () => {
    const deployment = new Failing(environment);
    const other = JSON.stringify({ ...lost('broken'), account: '999999999999' });
    expect(await run(deployment, 'no JSON', '{}', 'null', other)).toEqual({ batchItemFailures: [] });
    expect(deployment.asked).toEqual([]);
  });

  it('names a variable that is missing', async () => {
    for (const variable of ['DRAYAGE_ACCOUNT', 'DRAYAGE_REGISTRY_EVENTS_QUEUE_URL'] as const) {
      const env = { ...environment, [variable]: undefined };
      const deployment = new RegistryEventsDeployment(env);
      expect(() => [deployment.place, deployment.events]).toThrow(`${variable} is not set`);
    }
  });
});
