import { join } from 'node:path';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { packageRoot } from '../../lib/function-bundle.ts';
import { pushImage, seededImage } from '../support/seeded-image.ts';
import { type Holdings, holdings } from './account.ts';
import { statefulIn } from './assembly.ts';
import { credentials, type DeploymentOptions, deploy, destroy } from './cdk.ts';
import type { Deployment } from './deployment.ts';
import { previousVersion } from './previous-version.ts';
import { homeRegion, Stage } from './stage.ts';
import { deliver, jobIn, type Keys, keysOf, mappingOf, mirrored } from './users.ts';

/*
 * The life of a deployment, in order: the version before this one, an upgrade with data in place, a
 * deployment that fails, the way back, the end, and a new stack on what the old one left. Whatever
 * people were given at the beginning (URLs, tokens, secrets) they keep until the end.
 *
 * MiniStack 1.5.33 keeps an API's address through every update, as AWS does. It rolls a failed
 * update back itself, and keeps what has a DeletionPolicy of Retain or RetainExceptOnCreate.
 */
let stage: Stage;
let stack: Deployment;
/** The keys of the first deployment; never read again. */
let keys: Keys;
let before: DeploymentOptions;
let firstJob: string;
let left: Holdings;

const cart = 'acme/shop/cart';
const tools = 'tools/lint';

/** Pushes an image to the upstream. @returns its digest */
async function push(repository: string, tag: string): Promise<string> {
  const built = seededImage({ seed: `${repository}:${tag}`, layers: [{ size: 200_000 }, { size: 30_000 }] });
  await pushImage(stage.upstream.endpoint, repository, tag, built);
  return built.manifest.digest;
}

/** Pushes an image upstream and follows it to its mapping, with the first deployment's keys. */
async function expectMirrored(repository: string, tag: string): Promise<string> {
  const digest = await push(repository, tag);
  const { job, mapping } = await mirrored(stack, repository, tag, keys);
  expect(mapping).toMatchObject({ digest });
  const answer = await fetch(`${stage.mirror.endpoint}/v2/mirror/ghcr.io/${repository}/manifests/${digest}`);
  expect(answer.status).toBe(200);
  return job;
}

/** The mappings that were there before are there still. */
async function expectMapped(...images: string[]): Promise<void> {
  for (const image of images) {
    expect(await mappingOf(stack, `ghcr.io/${image}`, keys), image).toMatchObject({ status: 200 });
  }
}

beforeAll(async () => {
  stage = await Stage.set('upgrade.test.ts');
  const root = previousVersion(join(stage.folder, 'previous'));
  before = { ...stage.options('before'), root };
});
beforeEach(() => onTestFailed(() => stage.tellLog()));
afterAll(() => stage?.[Symbol.asyncDispose]());

describe('a deployment, from version to version', () => {
  it('begins with the version before this one', async () => {
    stack = await stage.timed('deploy the version before', () => deploy(before));
    stage.listener = stack;
    keys = await keysOf(stack);
    firstJob = await stage.timed('mirror an image', () => expectMirrored(cart, '1.0.0'));
  });

  it('is upgraded in place, together with a change of its configuration', async () => {
    const { outputs } = stack;
    const now = stage.options('now', {
      match: ['acme/**', 'tools/**'],
      second: { registry: 'harbor.example.com', source: 'harbor', match: ['theirs/**'] },
    });
    expect(await deliver(stack, keys.secret, tools, '1')).toMatchObject({ body: { accepted: [] } });
    expect(await stack.api('POST', '/webhooks/harbor', { body: '{}' })).toMatchObject({ status: 404 });

    stack = await stage.timed('upgrade to this version', () => deploy(now));
    stage.listener = stack;
    expect(stack.outputs).toMatchObject(outputs);
    const ids = statefulIn(now.folder);
    for (const [id, type] of statefulIn(before.folder)) expect(ids.get(id), id).toBe(type);
    await expectMapped(`${cart}:1.0.0`);
    expect(await jobIn(stack, firstJob, 'committed', keys)).toMatchObject({ state: 'committed' });
    expect(await keysOf(stack)).toEqual(keys);

    await expectMirrored(cart, '1.1.0');
    await expectMirrored(tools, '1');
    expect(await stack.api('POST', '/webhooks/harbor', { body: '{}' })).toMatchObject({ status: 401 });
  });

  it('stays as it was when a deployment fails at its end', async () => {
    const failing = {
      ...stage.options('failing', { match: ['elsewhere/**'] }),
      app: `node ${join(packageRoot, 'test/deploy/app.ts')}`,
      context: { broken: 'true' },
    };
    const mend = stage.mirror.faults.add({
      match: { operation: 'GetAccountSetting' },
      action: { kind: 'status', status: 403 },
    });
    try {
      await stage.timed('a deployment that fails', () =>
        expect(deploy(failing)).rejects.toThrow(/UPDATE_ROLLBACK_COMPLET/),
      );
    } finally {
      mend();
    }
    expect(await keysOf(stack)).toEqual(keys);
    await expectMapped(`${cart}:1.0.0`, `${cart}:1.1.0`, `${tools}:1`);
    // The functions have their former code and configuration again.
    await expectMirrored(tools, '2');
  });

  it('goes back to the version before', async () => {
    const { outputs } = stack;
    stack = await stage.timed('go back to the version before', () => deploy(before));
    stage.listener = stack;
    expect(stack.outputs).toEqual(outputs);
    await expectMapped(`${cart}:1.0.0`, `${cart}:1.1.0`, `${tools}:1`, `${tools}:2`);
    await expectMirrored(cart, '1.2.0');
    expect(await stack.messagesIn('DeadLetterQueueUrl')).toBe(0);
  });

  it('is destroyed, and leaves data, secrets, images and settings', async () => {
    const was = await holdings(stage.ministack.endpoint, homeRegion);
    expect(was).toMatchObject({ tables: [stack.outputs.TableName] });
    expect(was.secrets).toHaveLength(2);
    for (const kind of ['queues', 'rules', 'functions'] as const) expect(was[kind]).not.toEqual([]);

    await stage.timed('cdk destroy', () => destroy(before));
    left = await holdings(stage.ministack.endpoint, homeRegion);
    expect(left).toEqual({
      tables: was.tables,
      secrets: was.secrets,
      buckets: was.buckets,
      queues: [],
      rules: [],
      functions: [],
    });
    expect(await stage.blobMounting()).toBe('ENABLED');
    expect(stage.mirror.tag(`mirror/ghcr.io/${cart}`, '1.2.0')).toMatch(/^sha256:/);
  });

  it('comes back as a new stack on the table and secrets that were left', async () => {
    const [table = ''] = left.tables;
    const [api, webhookSecret] = ['Api', 'Webhooks'].map((part) =>
      left.secrets.find((arn) => arn.includes(`MirrorSecrets${part}`)),
    );
    const adopting = {
      ...stage.options('adopting'),
      app: `node ${join(packageRoot, 'test/deploy/app.ts')}`,
      context: { table: await arnOf(table), apiSecret: api ?? '', webhookSecret: webhookSecret ?? '' },
    };
    stack = await stage.timed('adopt table and secrets', () => deploy(adopting));
    stage.listener = stack;
    expect(stack.outputs.TableName).toBe(table);
    const { tables, secrets } = await holdings(stage.ministack.endpoint, homeRegion);
    expect({ tables, secrets }).toEqual({ tables: left.tables, secrets: left.secrets });
    await expectMapped(`${cart}:1.0.0`, `${cart}:1.2.0`, `${tools}:2`);
    await expectMirrored(cart, '2.0.0');
  });
});

async function arnOf(table: string): Promise<string> {
  const client = new DynamoDBClient({ endpoint: stage.ministack.endpoint, region: homeRegion, credentials });
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    return Table?.TableArn ?? '';
  } finally {
    client.destroy();
  }
}
