import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOfTag, fillTable, tagOf, tagsPerRepository } from '../../bench/mappings/fill.ts';
import { misbehaviour, type Stand, startStand } from './stand.ts';

const count = 10_000;

describe('10,000 mappings', () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await startStand();
    const { environment } = stand.pipeline.stack;
    await fillTable(environment.AWS_ENDPOINT_URL_DYNAMODB ?? '', environment.DRAYAGE_TABLE ?? '', count, {
      tagsPerRepository,
      tagOf,
      batchesAtOnce: 1,
    });
  });
  afterAll(() => stand?.[Symbol.asyncDispose]());

  const rows = () => stand.page.locator('.rows li');

  it('are searched as one types', async () => {
    await stand.open('mappings');
    await stand.page.getByText('1 to 50 of 10,000.').waitFor();
    expect(await rows().count()).toBe(50);

    const { repository } = tagOf(9_000);
    const search = stand.page.getByLabel('Search');
    await search.pressSequentially(`${repository} 1.7.0`);
    await stand.page.getByText('1 to 1 of 1.').waitFor();
    expect(await rows().first().innerText()).toContain(`${repository}:1.7.0`);
    await expect.poll(() => stand.page.locator('#live').textContent()).toBe('1 mapping matches');

    await search.fill(digestOfTag(1_234).slice(0, 30));
    await stand.page.getByText('1 to 1 of 1.').waitFor();
    await search.fill('<img src=x onerror=alert(1)>');
    await stand.page.getByText('No mapping matches.').waitFor();
  });

  it('stay fluent', async () => {
    await stand.open('mappings?q=');
    await stand.page.getByText('of 10,000.').waitFor();
    const worst = await stand.page.evaluate(() => {
      const search = document.querySelector<HTMLInputElement>('#search');
      const times = ['t', 'te', 'tea', 'team', 'team-', 'team-5', 'team-50', ''].map((value) => {
        const start = performance.now();
        if (search) search.value = value;
        search?.dispatchEvent(new Event('input'));
        document.body.getBoundingClientRect();
        return performance.now() - start;
      });
      return Math.max(...times);
    });
    // A key must not hold the page up noticeably, also on a busy machine.
    expect(worst).toBeLessThan(250);
    expect(await stand.page.locator('*').count()).toBeLessThan(1_000);
  });

  it('are paged, and the back button returns to the search', async () => {
    await stand.open('mappings?q=team-50');
    const next = stand.page.getByRole('button', { name: 'Next' });
    await stand.page.getByText(/^1 to 50 of [\d,]+\.$/).waitFor();
    const first = await rows().first().innerText();
    await next.click();
    await stand.page.getByText(/^51 to 100 of/).waitFor();
    expect(await rows().first().innerText()).not.toBe(first);

    await stand.page.getByLabel('Search').fill('team-51/service-51 1.3.0');
    await rows().first().getByRole('link').click();
    await stand.page.getByRole('heading', { level: 1, name: 'team-51/service-51:1.3.0' }).waitFor();
    await stand.page.goBack();
    await stand.page.getByText('1 to 1 of 1.').waitFor();
    expect(await stand.page.getByLabel('Search').inputValue()).toBe('team-51/service-51 1.3.0');
  });

  it('are filtered by the API', async () => {
    await stand.open('mappings');
    const { repository } = tagOf(50);
    await stand.page.getByLabel('Repository (exact name)').fill(repository);
    await stand.page.getByLabel('Registry').selectOption('ghcr.io');
    await stand.page.getByText('1 to 50 of 50.').waitFor();
    expect(stand.requests.some((address) => address.includes('/v1/mappings?registry=ghcr.io'))).toBe(true);
  });

  it('asks only its own origin, and does nothing that its policy refuses', () => {
    expect(misbehaviour(stand)).toEqual([]);
  });
});
