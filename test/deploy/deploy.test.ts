import { setTimeout as sleep } from 'node:timers/promises';
import { BatchDeleteImageCommand } from '@aws-sdk/client-ecr';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { digestOf } from '../../core/oci/digest.ts';
import { deriveSecret, webhookSecret } from '../../core/webhooks/secrets/secrets.ts';
import { drayage } from '../support/drayage.ts';
import { pushImage, seededImage } from '../support/seeded-image.ts';
import { deploy } from './cdk.ts';
import type { Deployment } from './deployment.ts';
import { Stage } from './stage.ts';
import * as users from './users.ts';

/*
 * Deploys the very stack of bin/drayage.ts with the CDK's command line to an emulator of AWS, and
 * uses it from outside. HTTP API, functions, queue, event source, table and secrets are the
 * deployed ones. Only ECR is our own emulation, which behaves as ECR does. `stage.ts` says where
 * the emulator differs from AWS.
 */
let stage: Stage;
let stack: Deployment;

beforeAll(async () => {
  stage = await Stage.set('deploy.test.ts');
  stack = await stage.timed('cdk deploy', () => deploy(stage.options('stack')));
  stage.listener = stack;
});

afterAll(() => stage?.[Symbol.asyncDispose]());

const repository = 'acme/shop/cart';
const image = `ghcr.io/${repository}:1.4.2`;

/** Asks for the mapping with the reader's token. */
async function mapping() {
  return await users.mappingOf(stack, image, await users.keysOf(stack));
}

/** Sends a delivery as GitHub does, signed with a secret. */
async function deliver(secret: string, of = repository, tag = '1.4.2') {
  return await users.deliver(stack, secret, of, tag);
}

/** The job's state, as soon as it is the awaited one. */
async function jobIn(id: string, state: string): Promise<users.Job> {
  return await users.jobIn(stack, id, state, await users.keysOf(stack));
}

/** The bytes of a blob or a manifest in the mirror, pulled as any client would. */
async function pulled(path: string, accept = '*/*'): Promise<Uint8Array> {
  const answer = await fetch(`${stage.mirror.endpoint}/v2/${path}`, { headers: { accept } });
  if (!answer.ok) throw new Error(`GET ${path} was answered ${answer.status}: ${await answer.text()}`);
  return new Uint8Array(await answer.arrayBuffer());
}

describe('the deployed stack', () => {
  it('outputs where everything is', () => {
    expect(stack.outputs).toEqual({
      ApiUrl: expect.stringMatching(/^http/),
      WebhookUrls: `${stack.outputs.ApiUrl}/webhooks/`,
      TableName: expect.stringMatching(/./),
      QueueUrl: expect.stringMatching(/\.fifo$/),
      DeadLetterQueueUrl: expect.stringMatching(/\.fifo$/),
      LayerQueueUrl: expect.stringMatching(/LayerQueue/),
      LayerDeadLetterQueueUrl: expect.stringMatching(/LayerQueue/),
      WebhookSecretArn: expect.stringMatching(/./),
      ApiSecretArn: expect.stringMatching(/./),
    });
  });

  it('has turned on blob mounting, through its custom resource', async () => {
    expect(await stage.blobMounting()).toBe('ENABLED');
  });

  it('answers its health check to everybody, and mappings only to holders of a token', async () => {
    expect(await stack.api('GET', '/healthz')).toMatchObject({ status: 200 });
    expect(await stack.api('GET', `/v1/mappings?image=${image}`)).toMatchObject({
      status: 401,
      body: { error: { code: 'unauthorized' } },
    });
    expect(await mapping()).toMatchObject({ status: 404, body: { error: { code: 'not_mirrored' } } });
  });

  it('refuses a delivery signed with another secret, and queues nothing', async () => {
    expect(await deliver('not the secret')).toMatchObject({ status: 401 });
    expect(await stack.messagesIn('QueueUrl')).toBe(0);
  });

  it('mirrors an image from a signed webhook to a pull of every byte', async () => {
    onTestFailed(() => {
      stage.tellLog();
    });
    const built = seededImage({ seed: 'deploy', layers: [{ size: 4_000_000 }, { size: 300_000 }] });
    await pushImage(stage.upstream.endpoint, repository, '1.4.2', built);

    const secret = deriveSecret(await stack.rootOf('WebhookSecretArn'), 'webhook:github');
    const answer = await stage.timed('webhook, to the 202', () => deliver(secret));
    expect(answer).toMatchObject({ status: 202, body: { accepted: [{ image }], ignored: [] } });

    const mapped = await stage.timed('202 to the mapping', async () => {
      const until = Date.now() + 60_000;
      for (;;) {
        const { status, body } = await mapping();
        if (status === 200) return body as users.Mapping;
        if (Date.now() > until) throw new Error(`not mapped after a minute: ${JSON.stringify(body)}`);
        await sleep(50);
      }
    });
    const { manifest, blobs } = built;
    expect(mapped).toMatchObject({
      image,
      mirror: `${stage.mirror.host}/mirror/ghcr.io/${repository}:1.4.2`,
      digest: manifest.digest,
      pinned: `${stage.mirror.host}/mirror/ghcr.io/${repository}@${manifest.digest}`,
    });

    const name = `mirror/ghcr.io/${repository}`;
    await stage.timed('pull', async () => {
      const byTag = await pulled(`${name}/manifests/1.4.2`, manifest.mediaType);
      expect(Buffer.from(byTag).equals(manifest.bytes)).toBe(true);
      for (const digest of blobs.keys())
        expect(digestOf(await pulled(`${name}/blobs/${digest}`))).toBe(digest);
    });
  });

  it('answers an apiserver, at the address that only the operator sees', async () => {
    const token = deriveSecret(await stack.rootOf('ApiSecretArn'), 'token:operator');
    const { body } = await stack.api('GET', '/v1/admission', {
      headers: { authorization: `Bearer ${token}` },
    });
    const { pathname } = new URL((body as { url: string }).url);
    const pod = { metadata: { name: 'cart' }, spec: { containers: [{ name: 'cart', image }] } };
    const review = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid: '2f1a8c6e',
        kind: { group: '', version: 'v1', kind: 'Pod' },
        operation: 'CREATE',
        object: pod,
      },
    };
    const answer = await stage.timed('AdmissionReview', () =>
      stack.api('POST', `${pathname}?timeout=5s`, {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(review),
      }),
    );
    const { response } = answer.body as { response: { uid: string; allowed: boolean; patch: string } };
    expect(response).toMatchObject({ uid: '2f1a8c6e', allowed: true, patchType: 'JSONPatch' });
    const { pinned } = (await mapping()).body as users.Mapping;
    expect(JSON.parse(Buffer.from(response.patch, 'base64').toString('utf8'))).toContainEqual({
      op: 'replace',
      path: '/spec/containers/0/image',
      value: pinned,
    });
    const wrong = pathname.replace(/[^/]+$/, 'x'.repeat(40));
    expect(await stack.api('POST', wrong, { body: JSON.stringify(review) })).toMatchObject({ status: 404 });
  });

  it('uploads layers with its layer function, and wakes the job that waits for them', async () => {
    onTestFailed(() => {
      stage.tellLog();
    });
    const built = seededImage({ seed: 'deploy layers', layers: [{ size: 2_000_000 }, { size: 400_000 }] });
    await pushImage(stage.upstream.endpoint, repository, '2.0.0', built);
    const end = stage.upstream.faults.add({
      match: { path: '/manifests/' },
      action: { kind: 'status', status: 503, headers: { 'retry-after': '3600' } },
    });
    const secret = deriveSecret(await stack.rootOf('WebhookSecretArn'), 'webhook:github');
    const { body } = await deliver(secret, repository, '2.0.0');
    const job = (body as { accepted: { job: string }[] }).accepted[0]?.job ?? '';
    await jobIn(job, 'waiting');
    end();

    const layers = built.layers;
    await stack.sendLayers(layers.map((layer) => ({ job, layer, layers })));
    const { transfer } = await stage.timed('two layers to the mapping', () => jobIn(job, 'committed'));
    expect(transfer).toMatchObject({ copied: { blobs: 1 }, present: { blobs: 2, bytes: 2_400_000 } });
  });

  it('shows the webhook’s secret to the operator, and rotates it: old and new are accepted', async () => {
    const token = deriveSecret(await stack.rootOf('ApiSecretArn'), 'token:operator');
    const headers = { authorization: `Bearer ${token}` };
    const before = webhookSecret(await stack.rootOf('WebhookSecretArn'), 'github', 0);
    const listed = await stack.api('GET', '/v1/webhooks', { headers });
    expect(listed).toMatchObject({
      status: 200,
      body: { webhooks: [{ name: 'github', secret: before, acceptedAt: expect.any(String) }] },
    });
    const rotated = await stack.api('POST', '/v1/webhooks/github/rotate', { headers, body: '' });
    const { secret = '' } = rotated.body as { secret?: string };
    expect(secret).toBe(webhookSecret(await stack.rootOf('WebhookSecretArn'), 'github', 1));
    for (const each of [secret, before])
      expect(await deliver(each, 'other/app', '1')).toMatchObject({ status: 202 });
    expect(await deliver('neither', 'other/app', '1')).toMatchObject({ status: 401 });
  });

  describe('operated by the command line', () => {
    let front: { url: string; close(): void };
    beforeAll(async () => {
      front = await stack.front();
    });
    afterAll(() => front?.close());

    const operated = 'acme/operated';
    const tag = `ghcr.io/${operated}:1`;
    const built = (seed: string) => seededImage({ seed, layers: [{ size: 20_000 }] });
    const [first, second] = [built('operated 1'), built('operated 2')];
    /** Runs a command against the deployed API, as the operator. */
    const run = async (...args: string[]) => {
      const DRAYAGE_TOKEN = deriveSecret(await stack.rootOf('ApiSecretArn'), 'token:operator');
      return await drayage(args, { env: { ...process.env, DRAYAGE_API: front.url, DRAYAGE_TOKEN } });
    };
    const expectDone = async (...args: string[]) => {
      const result = await run(...args);
      expect(result, args.join(' ')).toMatchObject({ code: 0 });
      return result.stdout;
    };
    const digestNow = async () =>
      JSON.parse((await run('lookup', tag, '--json')).stdout).mappings[tag]?.digest;

    it('mirrors, shows the history, rolls back, pins and unpins', async () => {
      for (const image of [first, second]) {
        await pushImage(stage.upstream.endpoint, operated, '1', image);
        await stage.timed('drayage mirror', () => expectDone('mirror', tag));
        expect(await digestNow()).toBe(image.manifest.digest);
      }
      const history = await expectDone('history', tag);
      for (const { manifest } of [first, second]) expect(history).toContain(manifest.digest.slice(7, 19));
      await stage.timed('drayage rollback', () => expectDone('rollback', tag, first.manifest.digest));
      expect(await digestNow()).toBe(first.manifest.digest);
      expect(stage.mirror.tag(`mirror/ghcr.io/${operated}`, '1')).toBe(first.manifest.digest);
      await expectDone('unpin', tag);
      expect(await digestNow()).toBe(second.manifest.digest);
      await expectDone('pin', tag);
      expect(await expectDone('jobs', '--image', tag)).toMatch(/rollback/);
      await expectDone('status');
    });

    it('removes the mapping of an image that ECR says was deleted', async () => {
      const ecr = stage.ecr();
      const imageIds = [{ imageDigest: second.manifest.digest }];
      await ecr.send(new BatchDeleteImageCommand({ repositoryName: `mirror/ghcr.io/${operated}`, imageIds }));
      ecr.destroy();
      await stage.timed('deletion to 404', async () => {
        await expect.poll(async () => (await run('lookup', tag)).code, { timeout: 20_000 }).toBe(3);
      });
    });

    it('serves the whole mapping from its snapshot', async () => {
      const token = deriveSecret(await stack.rootOf('ApiSecretArn'), 'token:reader');
      const exported = async () => {
        const headers = { authorization: `Bearer ${token}` };
        const answer = await fetch(`${front.url}/v1/exports/json`, { headers });
        return answer.ok ? ((await answer.json()) as { mappings: { image: string }[] }).mappings : [];
      };
      // It is built every minute.
      await stage.timed('the next snapshot', async () => {
        await expect
          .poll(async () => (await exported()).map((one) => one.image), { timeout: 130_000, interval: 1_000 })
          .toContain(image);
      });
      expect((await exported()).map((one) => one.image)).not.toContain(tag);
    }, 200_000);
  });

  it('has nothing left in its queues', async () => {
    for (const queue of ['QueueUrl', 'LayerQueueUrl'] as const)
      await expect.poll(() => stack.messagesIn(queue), { timeout: 10_000 }).toBe(0);
    expect(await stack.messagesIn('DeadLetterQueueUrl')).toBe(0);
    expect(await stack.messagesIn('LayerDeadLetterQueueUrl')).toBe(0);
  });
});
