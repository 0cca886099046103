import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessibilityProblems } from './axe.ts';
import { mirrorForbidden, misbehaviour, type Stand, smallImage, startStand } from './stand.ts';

const views = [
  ['mappings', '.rows li'],
  ['mapping?image=ghcr.io/acme/shop:1.0', '#history'],
  ['jobs', '.rows li'],
  ['jobs?state=failed', '.error'],
  ['upstreams', '.card'],
  ['savings', '.headline'],
] as const;

describe.each(['light', 'dark'] as const)('in %s mode', (colorScheme) => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await startStand({ browser: { colorScheme } });
    for (const seed of ['1', '2']) await stand.pipeline.mirror('acme/shop', '1.0', smallImage(seed));
    await mirrorForbidden(stand.pipeline, 'acme/broken');
  });
  afterAll(() => stand?.[Symbol.asyncDispose]());

  it.each(views)('axe finds nothing in %s, and a narrow screen needs no scrolling', async (view, content) => {
    const { page } = stand;
    await page.setViewportSize({ width: 1_100, height: 800 });
    await stand.open(view);
    await page.locator(content).first().waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);

    await page.setViewportSize({ width: 360, height: 640 });
    const widths = () => page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    expect(await widths()).toEqual([360, 360]);
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('uses the colours of the mode', async () => {
    const background = await stand.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(background).toBe(colorScheme === 'dark' ? 'rgb(18, 22, 27)' : 'rgb(255, 255, 255)');
  });

  it('asks only its own origin, and does nothing that its policy refuses', () => {
    expect(stand.requests.length).toBeGreaterThan(20);
    expect(misbehaviour(stand)).toEqual([]);
  });
});

describe('the first view', () => {
  it('takes less than 100 kB', async () => {
    await using stand = await startStand();
    const sizes: Promise<number>[] = [];
    stand.page.on('requestfinished', (request) =>
      sizes.push(
        request
          .sizes()
          .then(({ responseBodySize, responseHeadersSize }) => responseBodySize + responseHeadersSize),
      ),
    );
    await stand.open('mappings');
    await stand.page.getByText('No mappings').waitFor();
    const all = await Promise.all(sizes);
    expect(all.length).toBeGreaterThan(20);
    expect(all.reduce((sum, size) => sum + size, 0)).toBeLessThan(100_000);
  });

  it('notices what the policy refuses: the check of the other tests works', async () => {
    await using stand = await startStand();
    await stand.open('mappings');
    await stand.page.evaluate(() => {
      const style = document.createElement('style');
      style.textContent = 'body { color: red }';
      document.head.append(style);
    });
    await expect.poll(() => misbehaviour(stand).join()).toContain('style-src');
  });
});
