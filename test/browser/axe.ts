import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

/**
 * What axe finds wrong in the page, as text. It runs through the debugger, as the page's policy
 * allows no script but its own.
 */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  try {
    await session.send('Runtime.evaluate', { expression: axe.source });
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      expression: 'axe.run(document).then((results) => JSON.stringify(results))',
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(`axe failed: ${exceptionDetails.text}`);
    const { violations, passes } = JSON.parse(String(result.value)) as AxeResults;
    // An empty page would have nothing wrong with it.
    if (passes.length < 10) throw new Error(`axe has checked only ${passes.length} rules`);
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
    );
  } finally {
    await session.detach();
  }
}
