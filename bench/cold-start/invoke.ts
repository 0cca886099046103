/**
 * Runs in a process of its own, as an instance of a function does: loads a bundle, invokes its
 * handler with the event of the first argument, and writes how long that took from the start of the
 * process, then how long more invocations take.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const [, , bundle = '', eventFile = '', resultFile = '', warm = '0'] = process.argv;
const event: unknown = JSON.parse(readFileSync(eventFile, 'utf8'));
const { handler } = (await import(bundle)) as { handler(event: unknown, context: unknown): Promise<unknown> };
const loadedMs = performance.now();
const context = { awsRequestId: 'bench', functionName: 'bench', getRemainingTimeInMillis: () => 28_000 };
const answer = await handler(event, context);
// performance.now() counts from the start of the process.
const firstMs = performance.now();
const warmMs: number[] = [];
for (let n = 0; n < Number(warm); n++) {
  const started = performance.now();
  await handler(event, context);
  warmMs.push(performance.now() - started);
}
writeFileSync(resultFile, JSON.stringify({ loadedMs, firstMs, warmMs, answer }));
process.exit(0);
