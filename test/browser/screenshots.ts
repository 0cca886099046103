/**
 * `node test/browser/screenshots.ts`: takes the pictures of the status page in docs/images/, of a
 * local stack with images like real ones.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfTag } from '../../bench/mappings/fill.ts';
import { seededImage } from '../support/seeded-image.ts';
import { savedDays } from './saved-days.ts';
import { mirrorForbidden, type Stand, startStand } from './stand.ts';

const folder = join(import.meta.dirname, '../../docs/images');
const services = [
  'web',
  'api',
  'worker',
  'billing',
  'search',
  'mailer',
  'reports',
  'gateway',
  'auth',
  'media',
];
const registries = ['ghcr.io', 'docker.io', 'quay.io'];

mkdirSync(folder, { recursive: true });
await using stand = await startStand({ browser: { viewport: { width: 1_000, height: 640 } } });
await fill(stand);
const { page } = stand;
await page.route('**/v1/mappings?limit=*', (route) => route.fulfill({ json: { mappings: listed(1_200) } }));
await page.route('**/v1/savings?*', (route) => route.fulfill({ json: { days: savedDays(30) } }));

for (const scheme of ['light', 'dark'] as const) {
  await page.emulateMedia({ colorScheme: scheme });
  await shot('mappings', `mappings-${scheme}`, '.pages');
  await shot('jobs', `jobs-${scheme}`, 'progress:visible');
  await shot('savings', `savings-${scheme}`, 'rect');
}
await page.setViewportSize({ width: 360, height: 640 });
await shot('mapping?image=ghcr.io/acme/shop:1.0', 'mapping-phone', '#history');

async function shot(view: string, name: string, ready: string): Promise<void> {
  await stand.open(view);
  await page.locator(ready).first().waitFor();
  await page.waitForTimeout(500);
  await page.screenshot({ path: join(folder, `status-page-${name}.png`) });
}

/** A tag with a history, a job that failed, and one that takes long. */
async function fill({ pipeline }: Stand): Promise<void> {
  const { upstream, mirror, push, github } = pipeline;
  for (const seed of ['1', '2']) await mirror('acme/shop', '1.0', imageOf(seed, 400_000));
  await mirrorForbidden(pipeline, 'acme/private');
  upstream.faults.add({
    match: { method: 'GET', path: '/acme/large/blobs/' },
    action: { kind: 'slow', bytesPerSecond: 100_000 },
  });
  await push('acme/large', digestOfTag(1).slice(7, 14), imageOf('large', 20_000_000));
  await github('acme/large', digestOfTag(1).slice(7, 14));
}

/** What a list of mappings says of each, as far as the page shows it. */
function listed(count: number) {
  return Array.from({ length: count }, (_, n) => {
    const repository = Math.floor(n / 40);
    const registry = registries[Math.floor(repository / services.length)];
    return {
      image: `${registry}/acme/${services[repository % services.length]}:1.${Math.floor((n % 40) / 8)}.${n % 8}`,
      digest: digestOfTag(n),
      sizeBytes: 20_000_000 + ((n * 7_919_003) % 180_000_000),
      pin: n % 40 === 3,
      mirroredAt: new Date(Date.now() - (n % 40) * 3_700_000).toISOString(),
    };
  });
}

function imageOf(seed: string, size: number) {
  return seededImage({ seed, layers: [{ size }, { size: size / 2 }] });
}
