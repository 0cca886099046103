import type { Counts, PushKind, Use } from './counts.ts';
import type { Prices } from './prices.ts';

/** What a deployment has to do in a month. */
export interface Workload {
  pushes: number;
  /** New bytes of a push that has any: layers that the mirror lacks. */
  copiedBytes: number;
  /** How many months an image stays in the mirror. */
  keptMonths: number;
  /** How many tags are mapped. */
  mappings: number;
}

/** What of the configuration costs money. */
export interface Shape {
  /** How many regions have the images; the first copies, ECR replicates to the others. */
  regions: number;
  /** Secrets besides the deployment's own: credentials, webhooks, endpoints. */
  ownSecrets: number;
  /** Rules with `retention`: one more function each minute. */
  retention: boolean;
  /** Endpoints of `notify`, which get an event for each push. */
  notify: boolean;
  /** More alarms, which the configuration asks for. */
  alarms: number;
}

/** What one item costs. */
export interface CostItem {
  /** What AWS calls the service. */
  service: string;
  item: string;
  /** How much of it, in `unit`. */
  amount: number;
  unit: string;
  usd: number;
  /** Whether it costs the same without a push. */
  fixed: boolean;
}

/** A month's costs. */
export interface CostEstimate {
  pushes: number;
  items: CostItem[];
  /** What it costs if nothing is pushed and nothing stored. */
  idleUsd: number;
  /** Without storage of images. */
  runningUsd: number;
  usd: number;
}

/** What the figures suppose beside what was counted; `docs/cost.md` explains each. */
export const assumptions = {
  /** The share of each kind of push. */
  kinds: { first: 0.05, next: 0.8, nothing: 0.15 } satisfies Record<PushKind, number>,
  /**
   * If the tag points to what is mapped already, the mirror function looks again a minute later,
   * since upstreams have caches. That look counts as another push which brings nothing.
   */
  looksAtNothing: 2,
  daysAMonth: 30,
  /** https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
  memoryOfOneProcessor: 1_769,
  /** What a function waits for an answer of DynamoDB, SQS, S3 or EventBridge, milliseconds. */
  serviceMs: 8,
  /** The same for a registry; half of them are waited for in turn. */
  registryMs: 80,
  registryInTurn: 0.5,
  /** How fast layers are copied, bytes a second: what a function's network reportedly provides. */
  bytesPerSecond: 60e6,
  /**
   * CPU seconds to copy a gigabyte, TLS on both sides included (`mirrorMemorySize` in
   * lib/image-mirror-props.ts).
   */
  cpuSecondsPerGb: 5.4,
  /**
   * Lambda polls a queue with five pollers that wait 20 seconds each, and asks again.
   * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
   */
  pollsAMinute: 15,
  /** START, END and REPORT of an invocation, and a line of the API's access log, in bytes. */
  invocationLogBytes: 400,
  accessLogBytes: 400,
  /** How long logs are kept, months, and how much smaller they are stored. */
  logMonths: 1,
  logCompression: 0.15,
  /** Items of a mapped tag, with its history; and of a push's job, which is kept for a month. */
  mappingBytes: 2_500,
  jobBytes: 1_500,
  /** Of a snapshot, for each mapping (bench/results/2026-11-30-mappings.md). */
  snapshotReadsPerMapping: 0.2,
  snapshotCpuMsPerMapping: 0.11,
  snapshotBytesPerMapping: 94,
  /** How many requests Secrets Manager gets: each instance reads its secrets every few minutes. */
  secretRequestsAnHour: 12,
} as const;

/** What a month costs, by item; those that cost nothing are left out. */
export function estimateCost(
  work: Workload,
  shape: Shape,
  prices: Prices,
  { pushes: uses, idleMinute, snapshot, deployed }: Counts,
): CostEstimate {
  const minutes = assumptions.daysAMonth * 24 * 60;
  const total = new Total(prices, deployed.memory);
  total.fixed = true;
  total.add(idleMinute, minutes);
  if (shape.retention) total.add(retentionMinute(idleMinute), minutes);
  // The event source mappings of the mirror queue, and of the layer and registry-events queues.
  total.sqs('FIFO', assumptions.pollsAMinute * minutes);
  total.sqs('standard', assumptions.pollsAMinute * minutes * (shape.notify ? 3 : 2));
  const secrets = deployed.secrets + shape.ownSecrets;
  total.take('Secrets Manager', 'secrets', secrets, 'secrets', prices.secretMonth);
  const reads = assumptions.secretRequestsAnHour * 24 * assumptions.daysAMonth * secrets;
  total.take('Secrets Manager', 'requests', reads, 'requests', prices.secretRequest);
  total.take('CloudWatch', 'metrics', deployed.metrics, 'metrics', prices.metricMonth);
  total.take('CloudWatch', 'alarms', deployed.alarms + shape.alarms, 'alarms', prices.alarmMonth);
  total.table(work.mappings * assumptions.mappingBytes);

  total.fixed = false;
  for (const [kind, share] of Object.entries(assumptions.kinds)) {
    const count = work.pushes * share;
    total.add(uses[kind as PushKind], kind === 'nothing' ? count * assumptions.looksAtNothing : count);
    if (kind !== 'nothing') total.copy(count * work.copiedBytes);
  }
  total.take('API Gateway', 'HTTP API requests', work.pushes, 'requests', prices.apiRequest);
  total.logs(work.pushes * assumptions.accessLogBytes);
  total.table(work.pushes * assumptions.jobBytes);
  if (shape.notify) notifyEach(total, work.pushes);
  // Pushes come at any time: so many minutes have one, and then the snapshot is built.
  const busy = minutes * (1 - Math.exp(-work.pushes / minutes));
  total.add(grown(snapshot, work.mappings), busy);
  total.take(
    'S3',
    'storage',
    (work.mappings * assumptions.snapshotBytesPerMapping) / 1e9,
    'GB-months',
    prices.s3GbMonth,
  );

  const copiedGb = (work.pushes * (1 - assumptions.kinds.nothing) * work.copiedBytes) / 1e9;
  const storedGb = copiedGb * work.keptMonths * shape.regions;
  total.take('ECR', 'image storage', storedGb, 'GB-months', prices.ecrGbMonth);
  const replicatedGb = copiedGb * (shape.regions - 1);
  total.take('ECR', 'replication to other regions', replicatedGb, 'GB', prices.regionTransferGb);

  const items = total.items();
  const sum = (all: CostItem[]) => all.reduce((usd, each) => usd + each.usd, 0);
  return {
    pushes: work.pushes,
    items,
    idleUsd: sum(items.filter(({ fixed }) => fixed)),
    runningUsd: sum(items.filter(({ item }) => item !== 'image storage')),
    usd: sum(items),
  };
}

/** Adds up what is used, by item. */
class Total {
  /** Whether what is added now costs the same without a push. */
  fixed = true;
  readonly #items = new Map<string, CostItem>();
  readonly #prices: Prices;
  readonly #memory: Readonly<Record<string, number>>;

  constructor(prices: Prices, memory: Readonly<Record<string, number>>) {
    this.#prices = prices;
    this.#memory = memory;
  }

  take(service: string, item: string, amount: number, unit: string, price: number): void {
    if (amount === 0) return;
    const key = `${service} ${item} ${this.fixed}`;
    const held = this.#items.get(key) ?? { service, item, amount: 0, unit, usd: 0, fixed: this.fixed };
    held.amount += amount;
    held.usd += amount * price;
    this.#items.set(key, held);
  }

  /** So many runs of something that was counted. */
  add(use: Use, times: number): void {
    const prices = this.#prices;
    const requests =
      use.tableReads +
      use.tableWrites +
      use.sqsFifo +
      use.sqsStandard +
      use.s3Puts +
      use.s3Gets +
      use.busEvents;
    const functions = Object.entries(use.functions);
    const invocations = functions.reduce((sum, [, each]) => sum + each.invocations, 0);
    // Which function waits for which request was not counted: each for its part of the CPU time.
    const cpuMs = functions.reduce((sum, [, each]) => sum + each.cpuMs, 0);
    const waitMs =
      requests * assumptions.serviceMs +
      use.registryRequests * assumptions.registryInTurn * assumptions.registryMs;
    for (const [name, each] of functions) {
      const wait = cpuMs === 0 ? 0 : (waitMs * each.cpuMs) / cpuMs;
      this.run(name, each.invocations * times, (each.cpuMs * times) / 1_000, (wait * times) / 1_000);
    }
    this.logs(times * (use.logBytes + invocations * assumptions.invocationLogBytes));
    this.take('DynamoDB', 'reads', use.tableReads * times, 'units', prices.tableReadUnit);
    this.take('DynamoDB', 'writes', use.tableWrites * times, 'units', prices.tableWriteUnit);
    this.sqs('FIFO', use.sqsFifo * times);
    this.sqs('standard', use.sqsStandard * times);
    this.take('S3', 'PUT requests', use.s3Puts * times, 'requests', prices.s3Put);
    this.take('S3', 'GET and HEAD requests', use.s3Gets * times, 'requests', prices.s3Get);
    this.take('EventBridge', 'own events', use.busEvents * times, 'events', prices.busEvent);
  }

  /** Invocations of a function, with the CPU seconds and the waiting of all of them. */
  run(name: string, invocations: number, cpuSeconds: number, waitSeconds: number): void {
    const memory = this.#memory[name] ?? 512;
    const share = Math.min(1, memory / assumptions.memoryOfOneProcessor);
    const seconds = cpuSeconds / share + waitSeconds;
    this.take('Lambda', 'requests', invocations, 'requests', this.#prices.lambdaRequest);
    const gigabyteSeconds = (seconds * memory) / 1_024;
    this.take('Lambda', 'duration (arm64)', gigabyteSeconds, 'GB-s', this.#prices.lambdaGbSecond);
  }

  /** Layers carried by the mirror function. */
  copy(bytes: number): void {
    const memory = this.#memory.mirror ?? 1_024;
    const share = memory / assumptions.memoryOfOneProcessor;
    const cpuSeconds = (bytes / 1e9) * assumptions.cpuSecondsPerGb;
    // It takes as long as the slower of the two: the processor or the network.
    const seconds = Math.max(cpuSeconds / share, bytes / assumptions.bytesPerSecond);
    const gigabyteSeconds = (seconds * memory) / 1_024;
    this.take('Lambda', 'duration (arm64)', gigabyteSeconds, 'GB-s', this.#prices.lambdaGbSecond);
  }

  logs(bytes: number): void {
    const { logGb, logGbMonth } = this.#prices;
    this.take('CloudWatch', 'logs', bytes / 1e9, 'GB', logGb);
    const stored = (bytes / 1e9) * assumptions.logMonths * assumptions.logCompression;
    this.take('CloudWatch', 'log storage', stored, 'GB-months', logGbMonth);
  }

  sqs(kind: 'FIFO' | 'standard', requests: number): void {
    const price = kind === 'FIFO' ? this.#prices.sqsFifoRequest : this.#prices.sqsStandardRequest;
    this.take('SQS', `${kind} requests`, requests, 'requests', price);
  }

  table(bytes: number): void {
    const price = this.#prices.tableGbMonth + this.#prices.tableBackupGbMonth;
    this.take('DynamoDB', 'storage and backup', bytes / 1e9, 'GB-months', price);
  }

  items(): CostItem[] {
    return [...this.#items.values()].sort(
      (a, b) => Number(b.fixed) - Number(a.fixed) || a.service.localeCompare(b.service),
    );
  }
}

/** The retention function looks each minute whether a pass is due: as the reconcile function. */
function retentionMinute(idle: Use): Use {
  const { reconcile = { invocations: 1, cpuMs: 5 } } = idle.functions;
  return {
    functions: { retention: reconcile },
    tableReads: 2,
    tableWrites: 2,
    sqsFifo: 0,
    sqsStandard: 0,
    s3Puts: 0,
    s3Gets: 0,
    busEvents: 0,
    registryRequests: 0,
    logBytes: 0,
  };
}

/** Through a rule's target to the notify queue, to the function, and to the endpoint. */
function notifyEach(total: Total, pushes: number): void {
  total.sqs('standard', 3 * pushes);
  total.run('notify', pushes, 0.01 * pushes, 0.3 * pushes);
  total.logs(pushes * assumptions.invocationLogBytes);
}

/** What a minute's call that builds the snapshot uses in addition to one that does not. */
function grown(snapshot: Use, mappings: number): Use {
  const { snapshot: held = { cpuMs: 0 } } = snapshot.functions;
  const cpuMs = held.cpuMs + mappings * assumptions.snapshotCpuMsPerMapping;
  return {
    ...snapshot,
    functions: { snapshot: { invocations: 0, cpuMs } },
    tableReads: snapshot.tableReads + mappings * assumptions.snapshotReadsPerMapping,
  };
}
