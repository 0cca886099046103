import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { findProgram } from '../support/find-program.ts';

const program = {
  title: 'Chromium',
  name: 'chromium',
  variable: 'DRAYAGE_CHROMIUM',
  remedy:
    'apt-get install chromium, or say where it is: DRAYAGE_CHROMIUM=/usr/bin/chromium npm run test:browser',
};

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A page of its own browser, with what it did. */
export interface Visit extends AsyncDisposable {
  page: Page;
  context: BrowserContext;
  /** The addresses of all requests. */
  requests: string[];
  /** What the content security policy has refused, and exceptions that nobody caught. */
  violations: string[];
}

/**
 * Opens a page in a headless Chromium with a profile of its own.
 *
 * @throws Error with the remedy if there is no Chromium: the suite never skips what it can't run
 */
export async function openBrowser(options: BrowserContextOptions = {}): Promise<Visit> {
  const executablePath = findProgram(program);
  const profile = mkdtempSync(join(tmpdir(), 'drayage-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: flags,
    locale: 'en-GB',
    timezoneId: 'UTC',
    viewport: { width: 1_100, height: 800 },
    ...options,
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const requests: string[] = [];
  const violations: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('pageerror', (error) => violations.push(`${error.name}: ${error.message}`));
  await page.exposeFunction('reportViolation', (text: string) => violations.push(text));
  // Injected by the debugger, which no policy stops.
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) => {
      const { reportViolation } = window as unknown as { reportViolation(text: string): void };
      reportViolation(`${violatedDirective}: ${blockedURI} ${sample}`);
    });
  });
  return {
    page,
    context,
    requests,
    violations,
    async [Symbol.asyncDispose]() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
