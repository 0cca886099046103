import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mirrorForbidden, misbehaviour, type Stand, smallImage, startStand } from './stand.ts';

const hostile = '<img src=x onerror="alert(1)"><script>alert(2)</script>';

describe('jobs', () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await startStand();
  });
  afterAll(() => stand?.[Symbol.asyncDispose]());

  it('are followed to the end, with the bytes that came', async () => {
    const { page, pipeline } = stand;
    const stop = pipeline.upstream.faults.add({
      match: { method: 'GET', path: '/blobs/' },
      action: { kind: 'slow', bytesPerSecond: 400_000 },
    });
    await stand.open('jobs');
    await page.getByText('No jobs match.').waitFor();
    await pipeline.push('acme/slow', '1.0', smallImage('slow', 2_500_000));
    await pipeline.github('acme/slow', '1.0');

    // Not the job that looks once more, later.
    const item = page.locator('.rows li', { hasText: 'webhook, ' });
    const bar = item.getByRole('progressbar', { name: 'Copying ghcr.io/acme/slow:1.0' });
    await bar.waitFor();
    await expect
      .poll(() => bar.evaluate((shown) => (shown as HTMLProgressElement).position), { timeout: 20_000 })
      .toBeGreaterThan(0.1);
    // A reader's focus stays where it is while the list is renewed.
    await item.getByRole('link').focus();
    await item.locator('.badge', { hasText: 'committed' }).waitFor();
    await bar.waitFor({ state: 'hidden' });
    expect(await item.innerText()).toMatch(/copied 2 blobs, 2\.5 MB/);
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('ghcr.io/acme/slow:1.0');
    await expect.poll(() => page.locator('#live').textContent()).toBe('1 job finished');
    stop();
  });

  it('show why they failed, whatever stands there, and are tried again', async () => {
    const { page, pipeline } = stand;
    const allow = await mirrorForbidden(pipeline, 'acme/broken');
    await stand.open('jobs?state=failed');
    const item = page.locator('.rows li', { hasText: 'acme/broken' });
    await item.getByText('Remedy:').waitFor();
    allow();
    await item.getByRole('button', { name: 'Try again: ghcr.io/acme/broken:1.0' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Try again' }).click();
    await page.getByText('1 image is being tried again.').waitFor();
    await page.getByLabel('State').selectOption('Mirrored');
    await page.locator('.rows li', { hasText: 'acme/broken' }).first().waitFor();
  });

  it('can’t put markup into the page', async () => {
    const { page } = stand;
    await page.route('**/v1/jobs?*', (route) =>
      route.fulfill({
        json: {
          jobs: [
            {
              id: '01m85ak3j23mt8andghk1jng1z',
              image: hostile,
              state: 'failed',
              trigger: hostile,
              receivedAt: hostile,
              attempts: 1,
              error: { code: hostile, side: 'upstream', message: hostile, remedy: hostile },
            },
          ],
        },
      }),
    );
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await stand.open('jobs?state=copying');
    const item = page.locator('.rows li').first();
    await item.getByText('Remedy:').waitFor();
    expect((await item.innerText()).split(hostile).length).toBeGreaterThan(4);
    expect(await page.locator('main img, main script').count()).toBe(0);
    await item.getByRole('link').click();
    await page.getByRole('heading', { level: 1, name: hostile }).waitFor();
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(dialogs).toEqual([]);
    await page.unroute('**/v1/jobs?*');
  });

  it('are not asked for while nobody sees the tab', async () => {
    const { page, requests } = stand;
    await stand.open('jobs');
    await page.locator('.rows li').first().waitFor();
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: true, configurable: true });
    });
    await page.waitForTimeout(2_500); // what was under way
    const before = requests.length;
    await page.waitForTimeout(4_000);
    expect(requests.length).toBe(before);
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: false, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await expect.poll(() => requests.length, { timeout: 10_000 }).toBeGreaterThan(before);
  });

  it('asks only its own origin, and does nothing that its policy refuses', () => {
    expect(misbehaviour(stand)).toEqual([]);
  });
});
