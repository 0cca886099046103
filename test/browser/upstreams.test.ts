import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessibilityProblems } from './axe.ts';
import { savedDays } from './saved-days.ts';
import { misbehaviour, type Stand, smallImage, startStand } from './stand.ts';

const hostile = '<svg onload=alert(1)>';

describe('upstreams and savings', () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await startStand();
  });
  afterAll(() => stand?.[Symbol.asyncDispose]());

  it('tells of refused webhooks', async () => {
    await stand.pipeline.post('/webhooks/github', {}, { 'x-hub-signature-256': 'sha256=0' });
    await stand.open('upstreams');
    const webhook = stand.page.locator('.rows li', { hasText: 'github' });
    await webhook.getByText('refused', { exact: true }).waitFor();
    await webhook.getByText(/^last refused /).waitFor();
  });

  it('tells of closed, down and uncompared upstreams, whatever stands there', async () => {
    const { page, pipeline } = stand;
    const status = (await (await pipeline.get('/v1/status')).json()) as {
      upstreams: { reconcile: object }[];
    };
    const [upstream] = status.upstreams;
    const at = '2026-11-30T10:00:00.000Z';
    const changed = {
      ...upstream,
      registry: hostile,
      closedUntil: '2126-11-30T10:00:00.000Z',
      down: { since: at, reason: hostile },
      lag: { medianMs: 2_000, maxMs: 90_000, jobs: 3 },
      webhooks: [{ name: hostile, source: hostile, deliveredAt: at, refusedAt: at, refusedFor: hostile }],
      reconcile: {
        ...upstream?.reconcile,
        repositories: 12,
        failing: [{ repository: hostile, error: { code: 'x', message: hostile }, failures: 1, dueAt: at }],
        unlisted: { code: 'x', message: hostile, temporary: true },
      },
    };
    await page.route('**/v1/status', (route) => route.fulfill({ json: { ...status, upstreams: [changed] } }));
    await stand.open('mappings');
    await stand.open('upstreams');
    const card = page.locator('.card');
    await card.getByText('median 2.0 s, maximum 90 s, 3 jobs').waitFor();
    await card.getByText('12 covered').waitFor();
    expect((await card.innerText()).split(hostile).length).toBeGreaterThan(6);
    expect(await page.locator('main svg').count()).toBe(0);
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.unroute('**/v1/status');
  });

  it.each(['light', 'dark'] as const)(
    'draws what was saved, in %s mode, with a table beside',
    async (colorScheme) => {
      const { page } = stand;
      await page.emulateMedia({ colorScheme });
      await page.route('**/v1/savings?*', (route) => route.fulfill({ json: { days: savedDays(30) } }));
      await stand.open('mappings');
      await stand.open('savings');
      await page.getByRole('img', { name: /^Bytes per day/ }).waitFor();
      expect(await page.locator('rect.bar').count()).toBe(90);
      expect(await page.getByRole('row').count()).toBe(31);
      expect(await page.locator('.headline').innerText()).toMatch(
        /^[\d.]+ GB of [\d.]+ GB \(\d+ %\) did not have/,
      );
      expect(await accessibilityProblems(page)).toEqual([]);
      await page.setViewportSize({ width: 360, height: 640 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      await page.setViewportSize({ width: 1_100, height: 800 });
      await page.unroute('**/v1/savings?*');
    },
  );

  it('shows what the API has counted', async () => {
    const { page, pipeline } = stand;
    await pipeline.mirror('acme/counted', '1', smallImage('counted', 40_000));
    await stand.open('mappings');
    await stand.open('savings');
    await page.locator('.headline', { hasText: 'did not have to be copied' }).waitFor();
    expect(await page.getByRole('row').count()).toBe(31);
    expect(await page.getByRole('row').nth(1).innerText()).toMatch(
      /^\d{4}-\d\d-\d\d\s+1\s+4\d(\.\d)? kB, 2 blobs\s/,
    );
    await stand.open('upstreams');
    await page
      .locator('.card', { hasText: 'ghcr.io' })
      .getByText(/^median .*, maximum .*, 1 job$/)
      .waitFor();
  });

  it('says so if the API counts no savings', async () => {
    const { page } = stand;
    await page.route('**/v1/savings?*', (route) =>
      route.fulfill({
        status: 404,
        json: { error: { code: 'not_found', message: 'there is no such route' } },
      }),
    );
    await stand.open('mappings');
    await stand.open('savings');
    await page.getByText('Not available').waitFor();
    await page.unroute('**/v1/savings?*');
  });

  it('asks only its own origin, and does nothing that its policy refuses', () => {
    expect(misbehaviour(stand)).toEqual([]);
  });
});
