import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { deflateRawSync } from 'node:zlib';
import type { Config } from '../core/config/config.ts';
import { receiveWebhook } from '../core/webhooks/receive.ts';
import {
  githubHeaders,
  githubPayload,
  type Pipeline,
  pipelineConfig,
  startPipeline,
} from '../test/support/pipeline.ts';
import { seededImage } from '../test/support/seeded-image.ts';
import { bundle } from './bundle.ts';
import type { BenchOptions } from './options.ts';
import { queueClient, receiveMessage, recordOf } from './queued-message.ts';
import { busyNote, markdownTable, median, quantile } from './statistics.ts';

const defaultRounds = 15;
const warmRounds = 200;
const receiveRounds = 20_000;
/** How much longer than an empty function the webhook function may take, in milliseconds. */
const allowedMs = 150;

interface Result {
  initMs: number;
  firstMs: number;
  /** Of the whole process. */
  cpuMs: number;
  peakMegabytes: number;
  warmMs: number[];
  answer: unknown;
}

/** A function, and the event of its first invocation. */
interface Case {
  name: string;
  entry: string;
  what: string;
  event: (pipeline: Pipeline, round: number) => unknown;
}

const empty: Case = {
  name: 'empty',
  entry: 'bench/cold-start/empty.ts',
  what: 'nothing',
  event: () => ({}),
};
const minute = () => ({ time: new Date().toISOString() });
const cases: readonly Case[] = [
  empty,
  of('webhook', 'a delivery: a job is recorded and queued', (pipeline, round) =>
    deliveryEvent(pipeline.stack.ready.webhooks.github?.secret ?? '', 'acme/cold', `w${round}`),
  ),
  of('mirror', 'an image of 15 layers is copied', mirrorEvent),
  of('layer', 'an empty batch', () => ({ Records: [] })),
  of('api', 'one image is looked up', () => ({
    ...apiEvent('GET', '/v1/mappings'),
    rawQueryString: 'image=ghcr.io/acme/cold:1',
  })),
  of('schedule', 'nothing is due', minute),
  of('reconcile', 'nothing is due', minute),
  of('snapshot', 'nothing has changed', minute),
  of('retention', 'nothing is configured', minute),
  of('registry-events', 'an empty batch', () => ({ Records: [] })),
  of('notify', 'an empty batch', () => ({ Records: [] })),
  of('blob-mounting', 'only loaded', () => null),
];

function of(name: string, what: string, event: Case['event']): Case {
  return { name, entry: `lambda/${name}/handler.ts`, what, event };
}

/**
 * The cold start of each function: a fresh process loads the bundle as Lambda's runtime does, and
 * handles its first event with the local stack; compared with an empty handler with the SQS client.
 * All are bundled and started as deployed, in turn.
 */
export async function benchColdStart({ rounds = defaultRounds }: BenchOptions): Promise<string> {
  await using pipeline = await startPipeline({ mirrorInstances: 0, layerInstances: 0 });
  const folder = mkdtempSync(join(tmpdir(), 'drayage-bench-'));
  try {
    const files = new Map<string, string>();
    for (const { name, entry } of cases) files.set(name, await bundle(entry, folder, name));
    const run = async ({ name }: Case, event: unknown, warm = 0): Promise<Result> => {
      const [eventFile, result] = [join(folder, 'event.json'), join(folder, 'result.json')];
      writeFileSync(eventFile, JSON.stringify(event));
      const script = join(import.meta.dirname, 'cold-start/invoke.ts');
      const args = [script, files.get(name) ?? '', eventFile, result, String(warm)];
      await promisify(execFile)(process.execPath, args, {
        env: {
          ...process.env,
          ...pipeline.stack.environment,
          NODE_OPTIONS: '--enable-source-maps',
          POWERTOOLS_SERVICE_NAME: name,
          POWERTOOLS_METRICS_NAMESPACE: 'Drayage',
        },
      });
      return JSON.parse(readFileSync(result, 'utf8')) as Result;
    };
    const starts = new Map<string, Result[]>(cases.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const each of cases) {
        const result = await run(each, await each.event(pipeline, round));
        check(each.name, result.answer);
        starts.get(each.name)?.push(result);
      }
    }
    const webhook = cases.find(({ name }) => name === 'webhook') ?? empty;
    const { warmMs } = await run(webhook, await webhook.event(pipeline, rounds), warmRounds);
    const receiveUs = await timeReceive(pipelineConfig(pipeline.upstream.endpoint));
    const zips = new Map([...files].map(([name, file]) => [name, zipSizes(dirname(file))]));
    return report(starts, zips, warmMs, receiveUs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws Error unless the function did what it should */
function check(name: string, answer: unknown): void {
  const { statusCode, batchItemFailures = [] } = (answer ?? {}) as {
    statusCode?: number;
    batchItemFailures?: unknown[];
  };
  const expected = { webhook: 202, empty: 202, api: 404 }[name];
  if (statusCode !== expected || batchItemFailures.length > 0)
    throw new Error(`${name} answered ${JSON.stringify(answer)}`);
}

/** The message of a job for an image that the mirror does not have. */
async function mirrorEvent(pipeline: Pipeline, round: number): Promise<unknown> {
  const layers = Array.from({ length: 15 }, () => ({ size: 100_000 }));
  const repository = `acme/cold-${round}`;
  await pipeline.push(repository, '1', seededImage({ seed: `cold ${round}`, layers }));
  await pipeline.github(repository, '1');
  const { environment, ready } = pipeline.stack;
  const sqs = queueClient(environment);
  try {
    for (;;) {
      const message = await receiveMessage(sqs, ready.queue);
      // Those of the webhook function's own deliveries are in it as well.
      if (!message.Body?.includes(repository)) continue;
      return { Records: [recordOf(message)] };
    }
  } finally {
    sqs.destroy();
  }
}

function apiEvent(method: string, path: string): object {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: '',
    headers: {},
    requestContext: { stage: '$default', domainName: '127.0.0.1', http: { method } },
    isBase64Encoded: false,
  };
}

/** Bytes of a bundle's zip: the code, and the source map. */
function zipSizes(folder: string): { code: number; map: number } {
  const size = (file: string) => deflateRawSync(readFileSync(join(folder, file)), { level: 9 }).byteLength;
  return { code: size('index.mjs'), map: size('index.mjs.map') };
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
  starts: Map<string, Result[]>,
  zips: Map<string, { code: number; map: number }>,
  warmMs: number[],
  receiveUs: number,
): string {
  const of = (name: string) => starts.get(name) ?? [];
  const middle = (name: string, value: (result: Result) => number) => median(of(name).map(value));
  const rows = cases.map(({ name, what }) => {
    const { code = 0, map = 0 } = zips.get(name) ?? {};
    const slowest = quantile(
      of(name).map(({ firstMs }) => firstMs),
      0.95,
    );
    return [
      name,
      what,
      (code / 1000).toFixed(0),
      ((code + map) / 1000).toFixed(0),
      middle(name, ({ initMs }) => initMs).toFixed(0),
      middle(name, ({ firstMs }) => firstMs).toFixed(0),
      slowest.toFixed(0),
      middle(name, ({ cpuMs }) => cpuMs).toFixed(0),
      (middle(name, ({ cpuMs }) => cpuMs) / middle('empty', ({ cpuMs }) => cpuMs)).toFixed(1),
      middle(name, ({ peakMegabytes }) => peakMegabytes).toFixed(0),
    ];
  });
  const more = middle('webhook', ({ firstMs }) => firstMs) - middle('empty', ({ firstMs }) => firstMs);
  return [
    `## Cold start of each function, ${of('empty').length} processes each, in turn`,
    'A fresh process imports the bundle as the Lambda runtime does, with `--enable-source-maps` as deployed, and handles its first event with the local stack. Zips have the source map in them; kB are 1,000 bytes. Milliseconds: to import the bundle; from the start of the process to the first answer, median and 95 %; CPU and most memory of the process until then.',
    ...busyNote(),
    '',
    markdownTable(
      [
        '',
        'first event',
        'zip kB, code',
        'zip kB',
        'import',
        'first answer',
        '95 %',
        'CPU',
        'CPU to empty',
        'peak MB',
      ],
      rows,
    ),
    '',
    `The webhook function takes ${more.toFixed(0)} ms more than an empty one with the SQS client (target: at most ${allowedMs}: ${more <= allowedMs ? 'held' : 'NOT HELD'}).`,
    `Warm: ${median(warmMs).toFixed(1)} ms a delivery (95 %: ${quantile(warmMs, 0.95).toFixed(1)}), nearly all of it in the emulators of table and queue: verifying, reading and deciding takes ${receiveUs.toFixed(0)} µs.`,
  ].join('\n');
}
