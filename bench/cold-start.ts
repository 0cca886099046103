import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Config } from '../core/config/config.ts';
import { receiveWebhook } from '../core/webhooks/receive.ts';
import { githubHeaders, githubPayload, pipelineConfig, startPipeline } from '../test/support/pipeline.ts';
import { bundle } from './bundle.ts';
import type { BenchOptions } from './options.ts';
import { markdownTable, median, quantile } from './statistics.ts';

const defaultRounds = 15;
const warmRounds = 200;
const receiveRounds = 20_000;
/** How much longer than an empty function the webhook function may take, in milliseconds. */
const allowedMs = 150;

interface Result {
  loadedMs: number;
  firstMs: number;
  warmMs: number[];
  answer: { statusCode: number; body: string };
}

/**
 * The start of the webhook function, from the start of the process to its first answer, a 202 with
 * a job in the queue; compared with an empty handler with the SQS client. Both are bundled as for
 * deployment, and run in turn.
 */
export async function benchColdStart({ rounds = defaultRounds }: BenchOptions): Promise<string> {
  await using pipeline = await startPipeline({ mirrorInstances: 1 });
  const folder = mkdtempSync(join(tmpdir(), 'drayage-bench-'));
  try {
    const webhook = await bundle('lambda/webhook/handler.ts', folder, 'webhook');
    const empty = await bundle('bench/cold-start/empty.ts', folder, 'empty');
    const event = join(folder, 'event.json');
    writeFileSync(event, JSON.stringify(deliveryEvent(pipeline.stack.ready.webhooks.github?.secret ?? '')));
    const run = async (file: string, warm: number): Promise<Result> => {
      const result = join(folder, 'result.json');
      const script = join(import.meta.dirname, 'cold-start/invoke.ts');
      await promisify(execFile)(process.execPath, [script, file, event, result, String(warm)], {
        env: { ...process.env, ...pipeline.stack.environment },
      });
      const read = JSON.parse(readFileSync(result, 'utf8')) as Result;
      if (read.answer.statusCode !== 202) throw new Error(`the answer was ${JSON.stringify(read.answer)}`);
      return read;
    };
    const starts: Record<'empty' | 'webhook', Result[]> = { empty: [], webhook: [] };
    for (let round = 0; round < rounds; round++) {
      starts.empty.push(await run(empty, 0));
      starts.webhook.push(await run(webhook, 0));
    }
    const { warmMs } = await run(webhook, warmRounds);
    const receiveUs = await timeReceive(pipelineConfig(pipeline.upstream.endpoint));
    return report(starts, warmMs, receiveUs, statSync(webhook).size, statSync(empty).size);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** API Gateway's event for one delivery from GitHub. */
export function deliveryEvent(secret: string, repository = 'acme/cold', tag = '1'): object {
  const body = JSON.stringify(githubPayload(repository, tag));
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/webhooks/github',
    rawQueryString: '',
    headers: { 'content-type': 'application/json', ...githubHeaders(body, secret) },
    requestContext: { stage: '$default', domainName: 'api.example', http: { method: 'POST' } },
    body,
    isBase64Encoded: false,
  };
}

/**
 * Microseconds to receive one delivery: signature, JSON, source and policy, without table or queue.
 */
async function timeReceive(config: Config): Promise<number> {
  const secret = 'a secret that signs many deliveries';
  const body = JSON.stringify(githubPayload('acme/cold', '1'));
  const request = {
    method: 'POST',
    name: 'github',
    origin: 'https://api.example',
    headers: githubHeaders(body, secret),
    body: Buffer.from(body),
  };
  const secrets = { forWebhook: async () => ({ secrets: [secret] }), reread: async () => undefined };
  const started = performance.now();
  for (let n = 0; n < receiveRounds; n++) {
    const { status } = await receiveWebhook(request, { config, secrets });
    if (status !== 202) throw new Error(`the delivery was answered ${status}`);
  }
  return ((performance.now() - started) * 1000) / receiveRounds;
}

function report(
  { empty, webhook }: Record<'empty' | 'webhook', Result[]>,
  warmMs: number[],
  receiveUs: number,
  webhookBytes: number,
  emptyBytes: number,
): string {
  const figures = (results: Result[], bytes: number) => [
    (bytes / 1000).toFixed(0),
    median(results.map(({ loadedMs }) => loadedMs)).toFixed(0),
    median(results.map(({ firstMs }) => firstMs)).toFixed(0),
    quantile(
      results.map(({ firstMs }) => firstMs),
      0.95,
    ).toFixed(0),
  ];
  const first = (results: Result[]) => median(results.map(({ firstMs }) => firstMs));
  const more = first(webhook) - first(empty);
  return [
    `## Start of the webhook function, ${empty.length} processes each, in turn`,
    'From the start of the process to the first answer: a 202 with a job in the table and the queue, all on this machine.',
    '',
    markdownTable(
      ['', 'bundle kB', 'loaded, ms', 'first answer, ms', '95 %'],
      [
        ['empty handler with the SQS client', ...figures(empty, emptyBytes)],
        ['webhook function', ...figures(webhook, webhookBytes)],
      ],
    ),
    '',
    `The webhook function takes ${more.toFixed(0)} ms more (target: at most ${allowedMs}: ${more <= allowedMs ? 'held' : 'NOT HELD'}).`,
    `Warm: ${median(warmMs).toFixed(1)} ms a delivery (95 %: ${quantile(warmMs, 0.95).toFixed(1)}), nearly all of it in the emulators of table and queue: verifying, reading and deciding takes ${receiveUs.toFixed(0)} µs.`,
  ].join('\n');
}
