import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessibilityProblems } from './axe.ts';
import { misbehaviour, type Stand, startStand } from './stand.ts';

describe('a page whose API asks for a token', () => {
  let stand: Stand;
  let tokens: { reader: string; operator: string };
  beforeAll(async () => {
    stand = await startStand({ auth: true });
    tokens = stand.pipeline.stack.ready.tokens ?? { reader: '', operator: '' };
  });
  afterAll(() => stand?.[Symbol.asyncDispose]());

  const signIn = async (token: string) => {
    await stand.page.getByLabel('Token').fill(token);
    await stand.page.getByRole('button', { name: 'Sign in' }).click();
  };
  const stored = () => stand.page.evaluate(() => Object.values(sessionStorage));

  it('asks for it, in a way that password managers know', async () => {
    await stand.open('jobs');
    await stand.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await accessibilityProblems(stand.page)).toEqual([]);
    const field = stand.page.getByLabel('Token');
    expect(await field.getAttribute('type')).toBe('password');
    expect(await field.getAttribute('autocomplete')).toBe('current-password');
    expect(await stand.page.locator('#views').isVisible()).toBe(false);
  });

  it('refuses a wrong one, and forgets it', async () => {
    await signIn('wrong');
    await stand.page.getByText('This token is not valid for this API.').waitFor();
    expect(await stored()).toEqual([]);
    expect(await stand.page.evaluate(() => document.activeElement?.id)).toBe('token');
  });

  it('lets readers read, and explains what they can’t do', async () => {
    const { page } = stand;
    await signIn(tokens.reader);
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    await page.getByText('Read-only', { exact: true }).waitFor();
    await page.getByLabel('State').selectOption('Failed');
    const button = page.getByRole('button', { name: 'Try all failed jobs again' });
    expect(await button.getAttribute('aria-disabled')).toBe('true');
    const before = stand.requests.filter((address) => address.includes('redrive')).length;
    await button.click({ force: true });
    await page.locator('.told.problem').getByText('sign in with the operator token').waitFor();
    expect(stand.requests.filter((address) => address.includes('redrive')).length).toBe(before);
  });

  it('explains the API’s own refusal, too', async () => {
    const { page } = stand;
    await page.route('**/v1/status', async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ json: { ...((await answer.json()) as object), caller: 'operator' } });
    });
    await page.reload();
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    await page.getByRole('button', { name: 'Try all failed jobs again' }).click();
    const refused = page.waitForResponse((answer) => answer.url().endsWith('/v1/jobs/redrive'));
    await page.getByRole('dialog').getByRole('button', { name: 'Try again' }).click();
    expect((await refused).status()).toBe(403);
    await page.locator('.told.problem').getByText('sign in with the operator token').waitFor();
    await page.unroute('**/v1/status');
  });

  it('keeps the token in this tab only, until it is signed out', async () => {
    const { page, context, pipeline } = stand;
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await stored()).toEqual([]);
    await signIn(tokens.operator);
    await page.getByText('Operator', { exact: true }).waitFor();
    await page.reload();
    await page.getByText('Operator', { exact: true }).waitFor();
    expect(await stored()).toEqual([tokens.operator]);
    expect(await page.evaluate(() => [document.cookie, localStorage.length])).toEqual(['', 0]);
    expect(page.url()).not.toContain(tokens.operator);
    const other = await context.newPage();
    await other.goto(`${pipeline.api}/`);
    await other.getByRole('heading', { name: 'Sign in' }).waitFor();
    await other.close();
  });

  it('asks again when the API no longer takes it', async () => {
    const { page } = stand;
    await page.route('**/v1/jobs?*', (route) =>
      route.fulfill({
        status: 401,
        json: { error: { code: 'unauthorized', message: 'the token is not valid' } },
      }),
    );
    // The list of jobs is live.
    await page.getByText('Your token is no longer accepted. Sign in again.').waitFor();
    expect(await stored()).toEqual([]);
    await page.unroute('**/v1/jobs?*');
  });

  it('asks only its own origin, and does nothing that its policy refuses', () => {
    expect(misbehaviour(stand)).toEqual([]);
  });
});
