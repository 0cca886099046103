import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DrayageApi } from '../../cli/api/client.ts';
import { blobsOf, checkMapping, checkRequests, checkTransfer } from '../../cli/demo/checks.ts';
import { type Environment, startEnvironment } from '../../cli/demo/environment.ts';
import { followToCommit } from '../../cli/demo/follow-job.ts';
import { type BuiltImage, buildImage, image, referenceOf } from '../../cli/demo/image.ts';
import { buildLayer } from '../../cli/demo/layer.ts';
import { textFile } from '../../cli/demo/layer-files.ts';
import { LogBuffer } from '../../cli/demo/log-buffer.ts';
import { pullAndCompare } from '../../cli/demo/pull-image.ts';
import { pushImage } from '../../cli/demo/push-image.ts';
import { sendWebhook } from '../../cli/demo/webhook.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import { RegistryClient } from '../../core/registry/client.ts';

let folder: string;
let environment: Environment;
let built: BuiltImage;
const log = new LogBuffer();
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'claims-test-'));
  environment = await startEnvironment(folder, log);
  built = await buildImage([await buildLayer('base', 'a test', [textFile('etc/base', 'base')])], '1.0');
}, 60_000);
afterAll(async () => {
  await environment?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function webhook() {
  const { github } = environment.stack.ready.webhooks;
  if (github === undefined) throw new Error('no webhook');
  return github;
}

async function mappingOf(tag: string): Promise<Mapping> {
  const mapping = await new DrayageApi(environment.stack.ready).mapping(referenceOf(tag));
  if (mapping === undefined) throw new Error(`no mapping of ${tag}`);
  return mapping;
}

const push = (version: BuiltImage) => ({ ...image, tag: version.tag, manifest: version.manifest });

async function publish(version: BuiltImage): Promise<void> {
  const { endpoint } = environment.upstream;
  await using client = new RegistryClient({ registry: image.registry, endpoint, side: 'upstream' });
  await pushImage(client, version);
}

describe('what the demo claims', () => {
  it('holds for a mirrored image, and for no other', async () => {
    const { upstream, stack } = environment;
    await publish(built);
    upstream.clearRequests();
    const job = await followToCommit(stack.ready.api, await sendWebhook(webhook(), push(built)), () => {});
    const all = blobsOf(built);
    checkTransfer(job, built, all);
    expect(checkRequests(upstream.requests, all)).toEqual({ manifests: 1, blobs: 3 });
    const mapping = await mappingOf('1.0');
    checkMapping(mapping, built, stack.ready.registry);
    expect(await pullAndCompare(mapping.mirror, built)).toEqual({
      blobs: 3,
      redirects: 3,
      bytes: mapping.sizeBytes,
    });

    const fewer = all.slice(1);
    expect(() => checkTransfer(job, built, fewer)).toThrow(/reports 3 blobs .* copied, and it should be 2/);
    expect(() => checkRequests(upstream.requests, fewer)).toThrow(/the upstream was asked for the blobs/);
    expect(() => checkRequests([], all)).toThrow('asked for the blobs (none)');
    expect(() => checkMapping(mapping, built, 'elsewhere:1')).toThrow(
      /the mapping's mirror is 127.*elsewhere:1/,
    );
    const other = await buildImage(built.layers.slice(0, 1), '2.0');
    expect(() => checkMapping(mapping, other, stack.ready.registry)).toThrow(/the mapping's image is/);
    await expect(pullAndCompare(mapping.mirror, other)).rejects.toThrow(/was pushed$/);
  });

  it('includes every byte of every blob', async () => {
    const { mirror } = await mappingOf('1.0');
    for (const part of blobsOf(built)) {
      const { bytes } = part;
      const flipped = Uint8Array.from(bytes, (byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte));
      for (const expected of [flipped, bytes.slice(0, -1), Buffer.concat([bytes, Buffer.alloc(1)])]) {
        const swap = <T extends { name: string }>(blob: T): T =>
          blob.name === part.name ? { ...blob, bytes: expected } : blob;
        const wrong = { ...built, config: swap(built.config), layers: built.layers.map(swap) };
        await expect(pullAndCompare(mirror, wrong)).rejects.toThrow(`the ${part.name} of ${mirror}`);
      }
    }
  });

  it('fails with the reason when the job fails, and the log shows more', async () => {
    const { api } = environment.stack.ready;
    const off = environment.upstream.faults.add({
      match: { path: '/never-pushed/' },
      action: { kind: 'status', status: 403 },
    });
    const unknown = { ...push(built), name: 'never-pushed' };
    const job = await sendWebhook(webhook(), unknown);
    await expect(followToCommit(api, job, () => {})).rejects.toThrow(/never-pushed:1\.0\) ended as failed: /);
    expect(log.text()).toContain('never-pushed');
    off();
  });

  it('fails if the webhook is not accepted', async () => {
    const forged = { ...webhook(), secret: 'forged' };
    await expect(sendWebhook(forged, push(built))).rejects.toThrow('the webhook was answered 401');
    const foreign = { ...push(built), namespace: 'somebody' };
    await expect(sendWebhook(webhook(), foreign)).rejects.toThrow('somebody/worker:1.0 was not accepted');
  });

  it('ends at once when it is interrupted', async () => {
    const { ready } = environment.stack;
    const reason = new Error('interrupted');
    const signal = AbortSignal.abort(reason);
    await expect(followToCommit(ready.api, 'none', () => {}, signal)).rejects.toBe(reason);
    await expect(pullAndCompare(`${ready.registry}/a:b`, built, signal)).rejects.toBe(reason);
    await expect(sendWebhook(webhook(), push(built), signal)).rejects.toBe(reason);
  });
});

describe('the log', () => {
  it('keeps its end', () => {
    const small = new LogBuffer(10);
    for (const text of ['first ', 'second ', 'third ']) small.write(text);
    expect(small.text()).toBe('third ');
    small.write('a single line that is longer');
    expect(small.text()).toBe('a single line that is longer');
  });
});
