/**
 * Runs in its own process, like an instance of a function. It loads a bundle as Lambda's runtime
 * does, by importing its path, invokes its handler with the event in the second argument, and
 * writes how long that took from the start of the process, then how long further invocations take.
 * If the event is null, the bundle is only loaded.
 * https://github.com/aws/aws-lambda-nodejs-runtime-interface-client
 */
import { readFileSync, writeFileSync } from 'node:fs';

const [, , bundle = '', eventFile = '', resultFile = '', warm = '0'] = process.argv;
const event: unknown = JSON.parse(readFileSync(eventFile, 'utf8'));
const startedMs = performance.now();
const { handler } = (await import(bundle)) as { handler(event: unknown, context: unknown): Promise<unknown> };
const loadedMs = performance.now();
const context = { awsRequestId: 'bench', functionName: 'bench', getRemainingTimeInMillis: () => 28_000 };
const answer = event === null ? null : await handler(event, context);
// performance.now() counts from the start of the process.
const firstMs = performance.now();
const { user, system } = process.cpuUsage();
const cpuMs = (user + system) / 1_000;
const peakMegabytes = process.resourceUsage().maxRSS / 1024;
const warmMs: number[] = [];
for (let n = 0; n < Number(warm); n++) {
  const started = performance.now();
  await handler(event, context);
  warmMs.push(performance.now() - started);
}
writeFileSync(
  resultFile,
  JSON.stringify({ initMs: loadedMs - startedMs, firstMs, cpuMs, peakMegabytes, warmMs, answer }),
);
process.exit(0);
