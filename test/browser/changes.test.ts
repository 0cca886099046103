import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { misbehaviour, type Stand, smallImage, startStand } from './stand.ts';

const image = 'ghcr.io/acme/shop:1.0';
const [first, second] = [smallImage('first'), smallImage('second')];

describe('a mapping', () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await startStand();
    for (const each of [first, second]) await stand.pipeline.mirror('acme/shop', '1.0', each);
  });
  afterAll(() => stand?.[Symbol.asyncDispose]());

  it('has references and commands to copy', async () => {
    const { page, pipeline } = stand;
    const { mirror, pinned } = (await pipeline.mapping(image)) ?? { mirror: '', pinned: '' };
    await stand.open(`mapping?image=${encodeURIComponent(image)}`);
    await page.getByRole('heading', { name: 'History' }).waitFor();
    expect(await page.locator('.copyable code').allInnerTexts()).toEqual([
      mirror,
      pinned,
      `docker pull ${pinned}`,
      `crictl pull ${pinned}`,
      `kubectl set image deployment/shop shop=${pinned}`,
    ]);
    await stand.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy: Docker' }).click();
    await expect.poll(() => page.locator('#live').textContent()).toBe('Docker: copied');
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`docker pull ${pinned}`);
  });

  it('is rolled back, pinned and unpinned, by keyboard alone', async () => {
    const { page, pipeline } = stand;
    await page.goto(`${pipeline.api}/`);
    await page.locator('.rows li a').first().waitFor();
    const focused = () =>
      page.evaluate(
        () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent,
      );
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 40; presses += 1) {
        if ((await focused())?.startsWith(name)) {
          const outline = await page.evaluate(
            () => getComputedStyle(document.activeElement ?? document.body).outlineStyle,
          );
          expect(outline, `${name} shows the focus`).toBe('solid');
          return;
        }
        await page.keyboard.press('Tab');
      }
      throw new Error(`${name} is not reached by the Tab key`);
    };
    const confirm = async (name: string) => {
      await page.getByRole('dialog').waitFor();
      await tabTo(name);
      await page.keyboard.press('Enter');
    };

    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to main content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
    await tabTo(image);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'History' }).waitFor();
    expect(await focused()).toBe(image); // the heading

    await tabTo('Roll back to');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await focused()).toMatch(/^Roll back to/);
    expect((await pipeline.mapping(image))?.digest).toBe(second.manifest.digest);

    await page.keyboard.press('Enter');
    await confirm('Roll back');
    await page.getByText('and is pinned.').waitFor();
    expect(await pipeline.mapping(image)).toMatchObject({ digest: first.manifest.digest, pin: true });

    await page.getByRole('button', { name: 'Unpin' }).waitFor();
    await tabTo('Unpin');
    await page.keyboard.press('Enter');
    await confirm('Unpin');
    await page.getByText('follows its upstream again.', { exact: false }).first().waitFor();
    await expect
      .poll(() => pipeline.mapping(image), { timeout: 20_000 })
      .toMatchObject({ digest: second.manifest.digest, pin: false });

    await page.getByRole('button', { name: 'Pin', exact: true }).waitFor();
    await tabTo('Pin');
    await page.keyboard.press('Enter');
    await confirm('Pin');
    await page.getByText('is pinned.').waitFor();
    expect(await pipeline.mapping(image)).toMatchObject({ digest: second.manifest.digest, pin: true });
  });

  it('that is not there is said to be missing', async () => {
    await stand.open('mapping?image=ghcr.io/acme/nothing:1');
    await stand.page.getByText('ghcr.io/acme/nothing:1 is not mirrored.').waitFor();
  });

  it('shows who signed it', async () => {
    const { page, pipeline } = stand;
    const mapping = await pipeline.mapping(image);
    const by = '<b>CN=somebody</b>';
    await page.route('**/v1/mappings?image=*', (route) =>
      route.fulfill({
        json: {
          ...mapping,
          verified: {
            digest: second.manifest.digest,
            at: '2026-11-30T10:00:00.000Z',
            signatures: [{ kind: 'signature', by, manifest: first.manifest.digest }],
          },
          referrers: { copied: 2, missing: [] },
        },
      }),
    );
    await stand.open('mappings');
    await stand.open(`mapping?image=${encodeURIComponent(image)}`);
    await page.getByText(`signature by ${by}`).waitFor();
    await page.getByText('2 signatures, attestations and SBOMs are in the mirror.').waitFor();
    await page.unroute('**/v1/mappings?image=*');
  });

  it('asks only its own origin, and does nothing that its policy refuses', () => {
    expect(misbehaviour(stand)).toEqual([]);
  });
});
