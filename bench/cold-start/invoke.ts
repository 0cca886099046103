/**
 * Runs in its own process, like an instance of a function. It loads a bundle, invokes its handler
 * with the event in the first argument, and writes how long that took from the start of the
 * process, then how long further invocations take.
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
