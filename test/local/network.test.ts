import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../core/mirror-yaml/load.ts';
import { startRegistry } from '../../local/ecr/server.ts';
import { startPipeline } from '../support/pipeline.ts';
import { pushImage, seededImage } from '../support/seeded-image.ts';
import { startTestProxy } from '../support/test-proxy.ts';
import { startTlsFront } from '../support/tls-front.ts';

it('upstreams are reached through network.proxy, with the authorities of network.caBundle; the mirror is not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-network-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const registry = await startRegistry({ flavour: 'distribution' });
  onTestFinished(() => registry.stop());
  const image = seededImage({ seed: 'far away', layers: [{ size: 50_000 }] });
  await pushImage(registry.endpoint, 'app', '1', image);
  const front = await startTlsFront(registry.endpoint, ['registry.test']);
  const proxy = await startTestProxy({ 'registry.test:443': front.host });
  writeFileSync(join(folder, 'ca.pem'), `# the company's own\n${front.certificate}`);
  writeFileSync(
    join(folder, 'mirror.yaml'),
    `version: 1
mirror: { regions: [eu-west-1] }
network: { proxy: "${proxy.url}", caBundle: ca.pem }
upstreams: [{ registry: registry.test, timeout: 20s, repositories: [{ match: "**" }] }]
`,
  );
  await using pipeline = await startPipeline({ config: loadConfig(join(folder, 'mirror.yaml')) });
  const answer = await pipeline.post('/v1/mirrors', { images: ['registry.test/app:1'] });
  const { jobs } = (await answer.json()) as { jobs: { id: string }[] };
  await pipeline.jobIn(jobs[0]?.id ?? '', 'committed');
  expect(await pipeline.mapping('registry.test/app:1')).toMatchObject({ digest: image.manifest.digest });
  expect(new Set(proxy.asked)).toEqual(new Set(['CONNECT registry.test:443']));
});
