import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { drayage } from '../support/drayage.ts';
import { startLimitingProxy } from '../support/limiting-proxy.ts';
import { pushImage, seededImage } from '../support/seeded-image.ts';
import { skopeoDigest } from '../support/skopeo.ts';

const MiB = 1024 * 1024;

describe('docker-registry, where it differs from other registries', () => {
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await startDockerRegistry();
  });
  afterAll(() => registry?.[Symbol.asyncDispose]());

  it('lists 40,000 tags in one answer, and the newest of them are copied', async () => {
    const image = seededImage({ seed: 'many tags', layers: [{ size: 900 }] });
    await pushImage(registry.endpoint, 'team/many', '1.0.0', image);
    const tags = Array.from(
      { length: 40_000 },
      (_, n) => `1.${Math.floor(n / 200)}.${n % 200}-build-of-the-night`,
    );
    registry.addTags('team/many', '1.0.0', [...tags, '2.0.9', '2.0.10']);
    const listed = await (await fetch(`${registry.endpoint}/v2/team/many/tags/list?n=1000`)).text();
    expect(listed.length, 'n is ignored').toBeGreaterThan(1_000_000);
    const { code, stdout, stderr } = await drayage([
      'copy',
      '--all-tags',
      '--latest',
      '2',
      '--plain-http',
      '--json',
      `${registry.host}/team/many`,
      `${registry.host}/team/few`,
    ]);
    expect(code, stderr).toBe(0);
    expect(
      JSON.parse(stdout)
        .tags.map(({ tag }: { tag: string }) => tag)
        .sort(),
    ).toEqual(['2.0.10', '2.0.9']);
    expect(await skopeoDigest(`${registry.host}/team/few:2.0.10`)).toBe(image.manifest.digest);
  });

  it('takes blobs in chunks if a proxy before it limits bodies', async () => {
    const image = seededImage({ seed: 'chunks', layers: [{ size: 40 * MiB }, { size: 5 * MiB }] });
    await pushImage(registry.endpoint, 'team/large', '1.0', image);
    const mirror = await startDockerRegistry();
    onTestFinished(() => mirror[Symbol.asyncDispose]());
    const proxy = await startLimitingProxy(mirror.endpoint, 10 * MiB);
    const copied = await drayage([
      'copy',
      '--plain-http',
      `${registry.host}/team/large:1.0`,
      `${proxy.host}/team/large:1.0`,
    ]);
    expect(copied.code, copied.stderr).toBe(0);
    expect(await skopeoDigest(`${mirror.host}/team/large:1.0`)).toBe(image.manifest.digest);
    expect(proxy.refused.length).toBeGreaterThan(0);
    expect(Math.max(...proxy.passed)).toBeLessThanOrEqual(10 * MiB);
  });

  it('is read from the beginning if the proxy before it serves no ranges of blobs', async () => {
    const image = seededImage({ seed: 'no parts', layers: [{ size: 3 * MiB }] });
    await pushImage(registry.endpoint, 'team/parts', '1.0', image);
    const front = await startBreakingFront(registry.endpoint);
    const copied = await drayage([
      'copy',
      '--plain-http',
      `${front.host}/team/parts:1.0`,
      `${registry.host}/team/whole:1.0`,
    ]);
    expect(copied.code, copied.stderr).toBe(0);
    expect(front.ranges).toEqual(['bytes']);
    expect(await skopeoDigest(`${registry.host}/team/whole:1.0`)).toBe(image.manifest.digest);
  });
});

/**
 * A proxy that cuts the first large answer in the middle, and answers 416 to requests for the rest.
 */
async function startBreakingFront(target: string): Promise<{ host: string; ranges: string[] }> {
  const ranges: string[] = [];
  let broken = false;
  const server = createServer((near, answer) => {
    const { range } = near.headers;
    if (range !== undefined) {
      ranges.push(range.split('=')[0] ?? '');
      answer.writeHead(416).end();
      return;
    }
    const far = request(new URL(near.url ?? '/', target), { method: near.method, headers: near.headers });
    far.on('response', (from) => {
      answer.writeHead(from.statusCode ?? 502, from.headers);
      if (broken || Number(from.headers['content-length'] ?? 0) < MiB || near.method !== 'GET') {
        from.pipe(answer);
        return;
      }
      broken = true;
      from.once('data', (chunk) => answer.write(chunk, () => answer.destroy()));
    });
    near.pipe(far);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, ranges };
}
