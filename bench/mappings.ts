import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { startTable } from '../local/dynamodb.ts';
import { startBucket } from '../local/s3/server.ts';
import { pipelineConfig } from '../test/support/pipeline.ts';
import { bundle } from './bundle.ts';
import { costReport } from './mappings/cost.ts';
import { startCountingProxy, type TableUse } from './mappings/counting-proxy.ts';
import { fillTable, tagOf, tagsPerRepository } from './mappings/fill.ts';
import { type FunctionProcess, type Invoked, startFunction } from './mappings/function.ts';
import { measurePublication } from './mappings/publication.ts';
import { busyNote, markdownTable, median } from './statistics.ts';

const count = 100_000;
const pageSize = 1_000;
const resolveRounds = 20;
const pollRounds = 500;
/** Lambda's limit of a function's answer, in bytes. */
const answerLimit = 6 * 1024 * 1024;

interface Answer {
  statusCode: number;
  headers: Record<string, string>;
  body?: string;
  isBase64Encoded?: boolean;
}

/**
 * 100,000 mappings through the functions as they are bundled, each in a process of its own: time,
 * memory, sizes, and what the table is asked. The bench fails if an answer is not what it must be.
 */
export async function benchMappings(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-bench-'));
  const table = await startTable('eu-west-1');
  const bucket = await startBucket({ secret: 'local', expiring: 'exports/', directory: undefined });
  try {
    await using proxy = await startCountingProxy(table.endpoint);
    await fillTable(table.endpoint, table.name, count);
    const environment = {
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_SESSION_TOKEN: '',
      AWS_ENDPOINT_URL_S3: bucket.endpoint,
      DRAYAGE_TABLE: table.name,
      DRAYAGE_SNAPSHOT_BUCKET: bucket.name,
      DRAYAGE_API_SECRET: '',
      DRAYAGE_CONFIG_JSON: JSON.stringify(pipelineConfig('http://127.0.0.1:1')),
      POWERTOOLS_METRICS_DISABLED: 'true',
    };
    const [apiBundle, snapshotBundle] = [
      await bundle('lambda/api/handler.ts', folder, 'api'),
      await bundle('lambda/snapshot/handler.ts', folder, 'snapshot'),
    ];
    const direct = { ...environment, AWS_ENDPOINT_URL_DYNAMODB: table.endpoint };
    const counted = { ...environment, AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint };
    const built = await measureBuilds(snapshotBundle, direct);
    const reads = await measureReads(apiBundle, direct);
    const uses = await countUses({ apiBundle, snapshotBundle, counted, take: () => proxy.take() });
    const published = await measurePublication(folder);
    return [
      report(built, reads, uses),
      costReport({ built, polls: reads, build: uses.build, published }),
    ].join('\n\n');
  } finally {
    await table.stop();
    await bucket.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The build of the first snapshot, and of one that finds nothing new. */
export interface Builds {
  first: Invoked;
  again: Invoked;
  idle: Invoked;
  gzipBytes: number;
  textBytes: number;
}

async function measureBuilds(file: string, environment: Record<string, string>): Promise<Builds> {
  await using first = await startFunction(file, environment);
  const stored = await first.invoke({});
  const {
    kind,
    count: built,
    bytes,
    textBytes,
  } = stored.answer as {
    kind: string;
    count: number;
    bytes: number;
    textBytes: number;
  };
  expect(kind === 'stored' && built === count, `the first build: ${JSON.stringify(stored.answer)}`);
  const idle = await first.invoke({});
  expect((idle.answer as { kind: string }).kind === 'final', `the next call: ${JSON.stringify(idle.answer)}`);
  await using second = await startFunction(file, environment);
  const again = await second.invoke({});
  expect((again.answer as { kind: string }).kind === 'unchanged', `again: ${JSON.stringify(again.answer)}`);
  process.stderr.write(`mappings: built in ${stored.ms.toFixed(0)} ms\n`);
  return { first: stored, again, idle, gzipBytes: bytes, textBytes };
}

/** Requests to the API. */
export interface Reads {
  pages: Invoked[];
  resolves: Invoked[];
  notModified: Invoked[];
  filtered: Invoked;
  csv: Invoked;
  peakMegabytes: number;
}

async function measureReads(file: string, environment: Record<string, string>): Promise<Reads> {
  await using api = await startFunction(file, environment);
  const pages: Invoked[] = [];
  let listed = 0;
  for (let cursor = ''; ; ) {
    const page = await api.invoke(get('/v1/mappings', `limit=${pageSize}${cursor && `&cursor=${cursor}`}`));
    const body = bodyOf(page) as { mappings: unknown[]; cursor?: string };
    pages.push(page);
    listed += body.mappings.length;
    if (body.cursor === undefined) break;
    cursor = body.cursor;
  }
  expect(listed === count, `the list has ${listed} mappings`);
  const resolves: Invoked[] = [];
  for (let round = 0; round < resolveRounds; round++) {
    const resolved = await api.invoke(resolveEvent(round));
    const { mappings } = bodyOf(resolved) as { mappings: object };
    expect(Object.keys(mappings).length === 1_000, 'not all images were resolved');
    resolves.push(resolved);
  }
  const whole = await api.invoke(get('/v1/exports/json'));
  const { etag = '' } = answerOf(whole).headers;
  expect(answerOf(whole).statusCode === 302, 'the whole mapping was not redirected');
  const notModified: Invoked[] = [];
  for (let round = 0; round < pollRounds; round++) {
    const poll = await api.invoke(get('/v1/exports/json', '', { 'if-none-match': etag }));
    expect(answerOf(poll).statusCode === 304, 'a poll was not answered 304');
    notModified.push(poll);
  }
  const filtered = await api.invoke(get('/v1/exports/json', 'registry=quay.io&repository=team-2/service-2'));
  expect(answerOf(filtered).statusCode === 200, 'the filtered export failed');
  const csv = await api.invoke(get('/v1/exports/csv'));
  expect([200, 302].includes(answerOf(csv).statusCode), 'the export as CSV failed');
  const all = [...pages, ...resolves, ...notModified, whole, filtered, csv];
  for (const { answer } of all)
    expect(Buffer.byteLength(JSON.stringify(answer)) <= answerLimit, 'an answer is too large');
  const peakMegabytes = Math.max(...all.map((invoked) => invoked.peakMegabytes));
  return { pages, resolves, notModified, filtered, csv, peakMegabytes };
}

interface Uses {
  page: TableUse;
  resolve: TableUse;
  poll: TableUse;
  idle: TableUse;
  build: TableUse;
}

async function countUses(from: {
  apiBundle: string;
  snapshotBundle: string;
  counted: Record<string, string>;
  take(): TableUse;
}): Promise<Uses> {
  await using api = await startFunction(from.apiBundle, from.counted);
  await using snapshot = await startFunction(from.snapshotBundle, from.counted);
  const use = async (on: FunctionProcess, event: unknown) => {
    from.take();
    await on.invoke(event);
    return from.take();
  };
  return {
    page: await use(api, get('/v1/mappings', `limit=${pageSize}`)),
    resolve: await use(api, resolveEvent(0)),
    poll: await use(api, get('/v1/exports/json', '', { 'if-none-match': '*' })),
    build: await use(snapshot, {}),
    idle: await use(snapshot, {}),
  };
}

function report(built: Builds, reads: Reads, uses: Uses): string {
  const times = (invoked: Invoked[]) => {
    const ms = invoked.map((one) => one.ms);
    return [median(ms).toFixed(1), Math.max(...ms).toFixed(1)];
  };
  const kilobytes = (invoked: Invoked[]) =>
    (Math.max(...invoked.map(({ answer }) => Buffer.byteLength(JSON.stringify(answer)))) / 1000).toFixed(0);
  const row = (what: string, invoked: Invoked[], use?: TableUse) => [
    what,
    ...times(invoked),
    median(invoked.map(({ cpuMs }) => cpuMs)).toFixed(1),
    kilobytes(invoked),
    use ? operationsOf(use) : '',
    use ? use.reads.toFixed(0) : '',
  ];
  const resolveMs = Math.max(...reads.resolves.map(({ ms }) => ms));
  return [
    `## Mappings: ${count.toLocaleString('en')} tags in ${(count / tagsPerRepository).toLocaleString('en')} repositories`,
    'The functions as they are bundled, each in a process of its own, with at most 400 MB of heap; the table is the DynamoDB emulator, the bucket the embedded S3. Read units are what DynamoDB bills for strongly consistent reads.',
    ...busyNote(),
    '',
    markdownTable(
      ['', 'ms, median', 'longest', 'CPU ms', 'answer kB', 'requests to the table', 'read units'],
      [
        row(`list, a page of ${pageSize}`, reads.pages, uses.page),
        row('resolve of 1,000', reads.resolves, uses.resolve),
        row('poll of the export, 304', reads.notModified, uses.poll),
        row('export of one repository', [reads.filtered]),
        row('export of all as CSV, made and stored', [reads.csv]),
        row('snapshot: built and stored', [built.first], uses.build),
        row('snapshot: built, nothing new', [built.again]),
        row('snapshot: nothing has changed', [built.idle], uses.idle),
      ],
    ),
    '',
    `The snapshot has ${(built.textBytes / 1e6).toFixed(1)} MB, as gzip ${(built.gzipBytes / 1e6).toFixed(1)} MB. Memory at most: snapshot function ${built.first.peakMegabytes.toFixed(0)} MB, API function ${reads.peakMegabytes.toFixed(0)} MB (target: 512 MB: ${held(Math.max(built.first.peakMegabytes, reads.peakMegabytes) <= 512)}).`,
    `The longest resolve took ${resolveMs.toFixed(0)} ms (target: 1,000 ms: ${held(resolveMs <= 1_000)}). Every answer was within Lambda's 6 MB.`,
  ].join('\n');
}

function operationsOf({ operations }: TableUse): string {
  const texts = Object.entries(operations).map(([name, times]) => `${times} ${name}`);
  return texts.length === 0 ? 'none' : texts.join(', ');
}

function held(isHeld: boolean): string {
  return isHeld ? 'held' : 'NOT HELD';
}

function get(path: string, query = '', headers: Record<string, string> = {}): object {
  return eventOf('GET', path, { query, headers });
}

/** 1,000 images from all over the table. */
function resolveEvent(round: number): object {
  const images = Array.from({ length: 1_000 }, (_, n) => {
    const { registry, repository, reference } = tagOf((n * 97 + round * 31) % count);
    return `${registry}/${repository}:${reference}`;
  });
  return eventOf('POST', '/v1/mappings/resolve', { body: JSON.stringify({ images }) });
}

function eventOf(
  method: string,
  path: string,
  { query = '', headers = {}, body }: { query?: string; headers?: Record<string, string>; body?: string },
): object {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    headers: { 'content-type': 'application/json', 'accept-encoding': 'gzip', ...headers },
    requestContext: { stage: '$default', domainName: '127.0.0.1', http: { method } },
    ...(body !== undefined && { body }),
    isBase64Encoded: false,
  };
}

function bodyOf(invoked: Invoked): unknown {
  const { statusCode, body = '', isBase64Encoded = false, headers } = answerOf(invoked);
  expect(statusCode === 200, `the answer is ${statusCode}: ${body.slice(0, 200)}`);
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  return JSON.parse((headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8'));
}

function answerOf({ answer }: Invoked): Answer {
  return answer as Answer;
}

function expect(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}
