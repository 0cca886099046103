import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoReconcileStore } from '../../core/aws/dynamodb/reconcile-store.ts';
import { openTable } from '../../core/aws/dynamodb/table.ts';
import type { Config } from '../../core/config/config.ts';
import { parseConfig } from '../../core/mirror-yaml/parse.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { policyFingerprint } from '../../core/policy/fingerprint.ts';
import { startTable } from '../../local/dynamodb.ts';
import { startQueue } from '../../local/sqs.ts';
import { type Asked, startSimulatedUpstream } from '../../test/support/simulated-upstream.ts';
import { bundle } from '../bundle.ts';
import { startCountingProxy, type TableUse } from '../mappings/counting-proxy.ts';
import { digestOfTag, type Filling, fillTable } from '../mappings/fill.ts';
import { type FunctionProcess, startFunction } from '../mappings/function.ts';
import { markdownTable } from '../statistics.ts';
import { startFakeEcr } from './fake-ecr.ts';
import { costRows, onPaper } from './money.ts';

const repositories = 1_000;
const tagsPerRepository = 100;
const count = repositories * tagsPerRepository;
const changed = 100;
const registry = 'registry.example';
/** Of the function, which has 1,024 MB as it is deployed. */
const heapMegabytes = 128;

/** A comparison of everything. */
export interface MeasuredRound {
  what: string;
  /** Jobs that it queued. */
  queued: number;
  asked: Asked;
  ecrCalls: number;
  table: TableUse;
  seconds: number;
  cpuSeconds: number;
  peakMegabytes: number;
}

const filling = (fingerprint: string): Filling => ({
  tagsPerRepository,
  fingerprint,
  tagOf(n) {
    const repository = Math.floor(n / tagsPerRepository);
    return {
      registry,
      repository: `team-${repository % 50}/app-${repository}`,
      reference: `1.${n % tagsPerRepository}`,
    };
  },
});

/**
 * 100,000 mirrored tags over 1,000 repositories, compared with an upstream by the bundled function
 * in a process of its own: first where the upstream lists digests, then where it does not, then
 * with a hundred tags that have moved. The bench fails if anything else is queued.
 */
export async function benchLargeReconcile(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-bench-'));
  const table = await startTable('eu-west-1');
  const queue = await startQueue('eu-west-1');
  try {
    const { upstream, fingerprint, tags } = contents();
    await using lists = await startSimulatedUpstream(upstream, { listsDigests: true });
    await using plain = await startSimulatedUpstream(upstream);
    await using proxy = await startCountingProxy(table.endpoint);
    const prefix = `mirror/${registry}/`;
    await using ecr = await startFakeEcr(
      [...tags.keys()].map((name) => `${prefix}${name}`),
      (repository) => [...(tags.get(repository.slice(prefix.length)) ?? [])],
    );
    await fillTable(table.endpoint, table.name, count, filling(fingerprint));
    const code = await bundle('lambda/reconcile/handler.ts', folder, 'reconcile');
    const environment = {
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_SESSION_TOKEN: '',
      AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint,
      AWS_ENDPOINT_URL_ECR: ecr.endpoint,
      AWS_ENDPOINT_URL_SQS: queue.endpoint,
      DRAYAGE_TABLE: table.name,
      DRAYAGE_QUEUE_URL: queue.queueUrl,
      POWERTOOLS_METRICS_DISABLED: 'true',
    };
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const store = new DynamoReconcileStore(
      openTable(table.name, { endpoint: table.endpoint, region: 'eu-west-1', credentials }),
    );
    const measure = async (
      what: string,
      server: { endpoint: string; asked: Asked; reset(): void },
      expected: number,
    ): Promise<MeasuredRound> => {
      const config = JSON.stringify(configOf(server.endpoint));
      await using compare = await startFunction(
        code,
        { ...environment, DRAYAGE_CONFIG_JSON: config },
        heapMegabytes,
      );
      await store.requestSearch(registry, new Date().toISOString());
      server.reset();
      proxy.take();
      const callsBefore = ecr.calls;
      const walked = await walk(compare);
      if (walked.repositories !== repositories || walked.queued !== expected)
        throw new Error(`${what}: ${JSON.stringify(walked)}`);
      process.stderr.write(`reconcile: ${what}: ${walked.seconds.toFixed(0)} s\n`);
      return {
        what,
        ...walked,
        asked: { ...server.asked },
        ecrCalls: ecr.calls - callsBefore,
        table: proxy.take(),
      };
    };
    const rounds = [
      await measure('nothing new, lists with digests', lists, 0),
      await measure('nothing new, plain lists', plain, 0),
    ];
    for (const [n, [name, held]] of [...upstream].entries())
      if (n % (repositories / changed) === 0) {
        const [tag] = held.keys();
        if (tag !== undefined) upstream.get(name)?.set(tag, digestOfTag(count + n));
      }
    rounds.push(await measure(`${changed} tags have moved, lists with digests`, lists, changed));
    return report(rounds);
  } finally {
    await table.stop();
    await queue.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the upstream has, and the mirror. */
function contents() {
  const rule = configOf('http://127.0.0.1:1').upstreams[0]?.repositories[0];
  if (!rule) throw new Error('no rule');
  const fingerprint = policyFingerprint(rule);
  const { tagOf } = filling(fingerprint);
  const upstream = new Map<string, Map<string, Digest>>();
  for (let n = 0; n < count; n++) {
    const { repository, reference } = tagOf(n);
    const held = upstream.get(repository) ?? new Map<string, Digest>();
    upstream.set(repository, held.set(reference, digestOfTag(n)));
  }
  const tags = new Map([...upstream].map(([name, held]) => [name, new Map(held)]));
  return { upstream, tags, fingerprint };
}

function configOf(endpoint: string): Config {
  const parsed = parseConfig(`
version: 1
mirror: { regions: [eu-west-1] }
upstreams:
  - registry: ${registry}
    endpoint: ${endpoint}
    repositories: [{ match: "**" }]
`);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.config;
}

/** Calls the function as the schedule does, until everything is compared. */
async function walk(compare: FunctionProcess) {
  const sum = { repositories: 0, queued: 0, seconds: 0, cpuSeconds: 0, peakMegabytes: 0 };
  for (;;) {
    const { answer, ms, cpuMs, peakMegabytes } = await compare.invoke({ time: new Date().toISOString() });
    const {
      repositories: done,
      queued,
      isDone,
      failed,
    } = answer as {
      repositories: number;
      queued: number;
      isDone: boolean;
      failed: number;
    };
    if (failed > 0) throw new Error(JSON.stringify(answer));
    sum.repositories += done;
    sum.queued += queued;
    sum.seconds += ms / 1_000;
    sum.cpuSeconds += cpuMs / 1_000;
    sum.peakMegabytes = Math.max(sum.peakMegabytes, peakMegabytes);
    if (isDone) return sum;
  }
}

function report(rounds: MeasuredRound[]): string {
  const rows = rounds.map(({ what, asked, ecrCalls, table, seconds, cpuSeconds, peakMegabytes, queued }) => [
    what,
    String(queued),
    String(asked.catalog + asked.tagPages),
    String(asked.heads),
    String(ecrCalls),
    table.reads.toFixed(0),
    table.writes.toFixed(0),
    seconds.toFixed(1),
    cpuSeconds.toFixed(1),
    peakMegabytes.toFixed(0),
  ]);
  return [
    `## ${count.toLocaleString('en')} tags in ${repositories.toLocaleString('en')} repositories, compared once`,
    `The reconcile function as it is bundled, in a process of its own with at most ${heapMegabytes} MB of heap; the upstream is simulated, the table is the DynamoDB emulator behind a proxy that counts. “Pages” are lists of repositories and of tags. Units are what DynamoDB bills.`,
    '',
    markdownTable(
      ['', 'jobs', 'pages', 'HEAD', 'ECR calls', 'read units', 'write units', 'seconds', 'CPU s', 'MB'],
      rows,
    ),
    '',
    costRows(rounds, count),
    '',
    onPaper(rounds, count),
  ].join('\n');
}
