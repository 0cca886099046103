import { hash } from 'node:crypto';
import { DynamoJobStore } from '../../core/aws/dynamodb/job-store.ts';
import { DynamoMappingStore } from '../../core/aws/dynamodb/mappings/mapping-store.ts';
import type { TagItem } from '../../core/aws/dynamodb/mappings/tag-item.ts';
import { tagItemKey } from '../../core/aws/dynamodb/mappings/tag-item.ts';
import type { Table } from '../../core/aws/dynamodb/table.ts';
import type { JobQueue } from '../../core/jobs/ports.ts';
import { type ProcessDependencies, processMessage } from '../../core/jobs/process-message.ts';
import { isFinished, type JobMessage, type JobRecord } from '../../core/jobs/record.ts';
import { resendDue } from '../../core/jobs/resend.ts';
import type { ImageKey } from '../../core/mapping/record.ts';
import { Machine, type Process } from './machine.ts';
import { MemoryTable, type TableCommand, textOf } from './memory-table.ts';
import { Registries } from './registries.ts';
import { config, images, key } from './subject.ts';

/** What may go wrong, besides the order of things. */
export type Fault =
  /** A function is killed between two calls. */
  | 'killed'
  /** A write takes effect, its answer gets lost, and the SDK sends it again. */
  | 'lost answer'
  /** A call fails although it took effect, or without having any. */
  | 'error'
  /** Upstream answers from a cache that is behind, for a minute after a push. */
  | 'stale'
  /** A message is delivered a second time while the first worker is still at it. */
  | 'twice'
  /** Time passes while calls are under way: leases expire. */
  | 'slow';

/** Something that happens around the functions, when somebody chooses. */
export interface Happening {
  name: string;
  happen: (world: World) => void;
}

/** What is tried in all orders. */
export interface Scenario {
  name: string;
  /** What happens, in this order; everything else happens in between. */
  happenings: Happening[];
  faults: Fault[];
  /** Puts an old fault back. */
  change?: (deps: ProcessDependencies, world: World) => ProcessDependencies;
  /** Problems that are of no interest. */
  ignores?: RegExp;
  /** What is wrong when nothing is left to do. */
  verify?: (world: World) => string[];
}

/** One thing that can happen next. */
export interface Choice {
  name: string;
  /**
   * How many deviations it takes: from the order in which processes run, or from what should be.
   */
  cost: number;
  take: () => void;
}

interface Message {
  body: JobMessage;
  visibleAt: number;
  receives: number;
  receivers: Set<string>;
}

/** Lambda runs so many workers. */
const workers = 2;
/** A worker's message is hidden for so long, and after a failure for so long, milliseconds. */
const heldMs = 120_000;
const retryMs = 30_000;
/** Longer than a lease lasts, milliseconds. */
const slowMs = 31_000;

/** The pipeline of one tag, with everything around it. */
export class World {
  readonly scenario: Scenario;
  readonly memory: MemoryTable;
  readonly machine: Machine;
  readonly registries: Registries;
  /** Deviations so far. */
  spent = 0;
  /** The latest version that an accepted event was about. */
  accepted: number;
  /** Changes that were asked for, and accepted. */
  readonly changed: string[] = [];
  /** What must never happen, and did. */
  readonly violations: string[] = [];
  #messages: Message[] = [];
  #happened = 0;
  #acceptedAt = 0;
  #mappedAt = 0;
  #current: Process | undefined;

  constructor(scenario: Scenario, before?: World) {
    this.scenario = scenario;
    this.memory = new MemoryTable(before?.memory);
    this.machine = new Machine(
      before?.machine.now ?? Date.parse('2026-04-01T12:00:00.000Z'),
      (place) => (this.memory.writes.get(place) ?? 0) + this.registries.writesTo(place),
    );
    this.registries = new Registries(this.machine, before?.registries);
    this.accepted = before?.accepted ?? -1;
    this.#messages = (before ? before.#messages : []).map((message) => ({
      ...message,
      receivers: new Set(),
    }));
    this.memory.onChange = (place, was, is) =>
      this.#checkChange(place, was as TagItem | undefined, is as TagItem | undefined);
  }

  /** The table, each of whose commands waits until it is chosen. */
  table(): Table {
    return this.memory.table((command) =>
      this.machine.call({
        label: labelOf(command.name, command.place, command.input),
        place: command.place,
        effect: () => this.memory.run(command),
        isWrite: command.isWrite,
        isPrivate: isPrivate(command),
      }),
    );
  }

  /** The dependencies of a process: its own stores, as each function has them. */
  dependencies(): ProcessDependencies {
    const table = this.table();
    const deps: ProcessDependencies = {
      config,
      mappings: new DynamoMappingStore(table),
      jobs: new DynamoJobStore(table),
      queue: this.#queue(),
      layerIndex: { find: async () => new Map(), add: async () => {}, drop: async () => {} },
      gate: {
        closedUntil: async () => undefined,
        close: async () => {},
        outage: async () => undefined,
        failed: async (_, { at, reason }) => ({ since: at, failures: 1, reason }),
        answered: async () => {},
        closeDown: async () => {},
        probe: async () => true,
      },
      notifier: { notify: async () => {} },
      verifyImage: async ({ digest }) => ({ kind: 'missing', reason: `nobody signs ${digest}` }),
      awaited: { note: async () => undefined, of: async () => [], clear: async () => {} },
      openUpstream: async () => this.registries.upstream(),
      openMirror: async () => ({ region: 'eu-west-1', destination: this.registries.mirror() }),
      now: () => new Date(this.machine.now),
      warn: () => {},
    };
    return this.scenario.change?.(deps, this) ?? deps;
  }

  /** Begins a function that nobody waits for. */
  start(name: string, run: (deps: ProcessDependencies) => Promise<unknown>, ended = () => {}): void {
    this.machine.start(
      name,
      () => run(this.dependencies()),
      (outcome) => {
        if ('value' in outcome) ended();
      },
    );
  }

  /** Everything that can happen next; what comes first is what would happen without deviations. */
  choices(): Choice[] {
    const choices: Choice[] = [];
    const isBusy = this.#current !== undefined && this.#current.pending.length > 0;
    const { living } = this.machine;
    const inOrder = [...living].sort((a, b) => Number(b === this.#current) - Number(a === this.#current));
    for (const process of inOrder) {
      const cost = isBusy && process !== this.#current ? 1 : 0;
      if (process.pending.length > 0) choices.push(...this.#callChoices(process, cost));
      else
        for (const timer of process.timers)
          if (process.canWake(timer))
            choices.push(
              this.#choice(`${process.name} wakes`, cost, () =>
                this.#run(process, () => this.machine.wake(process, timer)),
              ),
            );
    }
    const cost = isBusy ? 1 : 0;
    const message = this.#deliverable();
    if (message) choices.push(this.#choice('deliver', cost, () => this.#deliver(message)));
    const next = this.scenario.happenings[this.#happened];
    if (next)
      choices.push(
        this.#choice(next.name, cost, () => {
          this.#happened += 1;
          next.happen(this);
        }),
      );
    if (this.#may('twice') && living.filter(({ name }) => name.startsWith('worker')).length < workers)
      for (const { body, receivers } of this.#messages)
        if (receivers.size === 1)
          choices.push(
            this.#choice(`deliver ${labelOfJob(body.job)} twice`, cost + 1, () => {
              const message = this.#messages.find((each) => each.body.job === body.job);
              if (message) this.#deliver(message);
            }),
          );
    if (
      this.#may('slow') &&
      living.some(({ pending }) => pending.length > 0) &&
      this.#leaseEnd() !== undefined
    )
      choices.push(
        this.#choice('everything is slow', 1, () => {
          this.machine.passTo(this.machine.now + slowMs);
        }),
      );
    const isIdle = living.every(({ pending }) => pending.length === 0);
    const then = isIdle ? this.#nextTime() : undefined;
    if (then !== undefined && (!message || this.#may('slow')))
      choices.push(this.#choice('time passes', message || next ? 1 : 0, () => this.#passTo(then)));
    return choices;
  }

  /** Equal for worlds in which the same can happen next. */
  fingerprint(): string {
    const { now, living } = this.machine;
    return hash(
      'md5',
      textOf([
        now,
        this.memory.fingerprint(),
        this.registries.fingerprint(),
        this.#messages.map(({ body, visibleAt, receives, receivers }) => [
          body.job,
          Math.max(0, visibleAt - now),
          receives,
          [...receivers],
        ]),
        living.map((process) => process.fingerprint()).sort(),
        this.#current?.isOver === false ? this.#current.name : '',
        this.#happened,
        this.accepted,
        this.lagMs,
        [...this.changed],
      ]),
    );
  }

  /** What is wrong, once nothing is left to do. */
  problems(): string[] {
    const mapping = this.tag(key)?.mapping;
    const { version } = this;
    const jobs = [...this.memory.items.values()].filter(({ pk }) => String(pk).startsWith('jobs#'));
    const unfinished = jobs.filter((job) => !isFinished(job as unknown as JobRecord));
    const problems = [...(this.scenario.verify?.(this) ?? this.#mirrored())];
    if (mapping && this.registries.mirrorTag !== mapping.digest)
      problems.push(`the mirror’s tag is not what is mapped, v${version}`);
    if (mapping && !this.registries.holds(mapping.digest))
      problems.push(`the mirror does not have what is mapped, v${version}`);
    if (unfinished.length > 0)
      problems.push(
        `jobs are left: ${unfinished.map(({ id, state }) => `${labelOfJob(String(id))} ${state}`)}`,
      );
    const digest = mapping && this.tag({ ...key, reference: mapping.digest });
    if (mapping && (digest?.mapping === undefined || digest.expiresAt !== undefined))
      problems.push('the digest of what is mapped is not known, or will be forgotten');
    return problems.filter((problem) => !this.scenario.ignores?.test(problem));
  }

  /** The item of a tag or digest. */
  tag(of: ImageKey): TagItem | undefined {
    const { pk, sk } = tagItemKey(of);
    return this.memory.items.get(`${pk}|${sk}`) as TagItem | undefined;
  }

  /** What the tag is mapped to; -1: nothing. */
  get version(): number {
    const digest = this.tag(key)?.mapping?.digest;
    return images.findIndex(({ manifest }) => manifest.digest === digest);
  }

  get isPinned(): boolean {
    return this.tag(key)?.mapping?.pin === true;
  }

  /** From the latest event to the latest change of what the tag is mapped to, milliseconds. */
  get lagMs(): number {
    return Math.max(0, this.#mappedAt - this.#acceptedAt);
  }

  /** An event about a version was accepted: from now on, it must not be lost. */
  accept(version: number): void {
    this.accepted = Math.max(this.accepted, version);
    this.#acceptedAt = this.machine.now;
  }

  #mirrored(): string[] {
    const { version, accepted } = this;
    return version >= accepted ? [] : [`an accepted event said v${accepted}, and v${version} is mapped`];
  }

  #callChoices(process: Process, cost: number): Choice[] {
    const { machine } = this;
    const call = machine.next(process);
    const { name } = process;
    const choices = [this.#choice(name, cost, () => this.#run(process, () => machine.go(process)))];
    const fault = (what: string, take: () => void) =>
      choices.push(
        this.#choice(`${name} ${what}`, cost + 1, () => {
          this.#run(process, take);
        }),
      );
    if (this.#may('killed')) fault('is killed', () => this.#kill(process));
    if (this.#may('lost answer') && call.isWrite) fault('loses an answer', () => machine.loseAnswer(process));
    const stale = this.#may('stale') ? call.stale?.() : undefined;
    if (stale) fault('gets a stale answer', () => machine.go(process, stale, 'as it was before'));
    if (this.#may('error') && call.isWrite !== undefined) {
      const failing = (effect: () => unknown) => () => {
        const fails = () => {
          effect();
          throw new Error('the service answers with an error');
        };
        machine.go(process, fails, 'which fails');
      };
      fault(
        'gets an error',
        failing(() => {}),
      );
      if (call.isWrite) fault('gets an error although it was done', failing(call.effect));
    }
    return choices;
  }

  #choice(name: string, cost: number, take: () => void): Choice {
    return {
      name,
      cost,
      take: () => {
        this.spent += cost;
        take();
      },
    };
  }

  #run(process: Process, go: () => void): void {
    this.#current = process;
    go();
  }

  #may(fault: Fault): boolean {
    return this.scenario.faults.includes(fault);
  }

  #kill(process: Process): void {
    this.machine.kill(process);
    for (const message of this.#messages)
      if (message.receivers.delete(process.name) && message.receivers.size === 0)
        message.visibleAt = this.machine.now + heldMs;
  }

  #queue(): JobQueue {
    return {
      send: async (messages) => {
        await this.machine.call({
          label: `sends ${messages.map(({ body }) => labelOfJob(body.job))}`,
          place: 'queue',
          effect: () => {
            for (const { body } of messages)
              this.#messages.push({ body, visibleAt: 0, receives: 0, receivers: new Set() });
          },
        });
        return [];
      },
    };
  }

  #deliverable(): Message | undefined {
    const busy = this.machine.living.filter(({ name }) => name.startsWith('worker')).length;
    if (busy >= workers) return undefined;
    return this.#messages.find(
      ({ receivers, visibleAt }) => receivers.size === 0 && visibleAt <= this.machine.now,
    );
  }

  #deliver(message: Message): void {
    message.receives += 1;
    const name = `worker of ${labelOfJob(message.body.job)}, ${message.receives}`;
    message.receivers.add(name);
    const deps = this.dependencies();
    this.machine.start(
      name,
      () => processMessage(message.body, deps, new AbortController().signal),
      (outcome) => {
        message.receivers.delete(name);
        if ('value' in outcome) this.#messages = this.#messages.filter((each) => each !== message);
        else if (message.receivers.size === 0) message.visibleAt = this.machine.now + retryMs;
      },
    );
  }

  /** When something happens by itself. */
  #nextTime(): number | undefined {
    const { now, living } = this.machine;
    const times = this.#messages.flatMap(({ visibleAt, receivers }) =>
      receivers.size === 0 && visibleAt > now ? [visibleAt] : [],
    );
    for (const process of living)
      for (const timer of process.timers) {
        if (timer.everyMs !== undefined) continue;
        // Who asks again and again for a lease gets it when the lease has expired, at the latest.
        const isPoll = timer.due - now < 1_000 && !process.canWake(timer);
        times.push(isPoll ? Math.max(timer.due, this.#leaseEnd() ?? 0) : timer.due);
      }
    for (const place of this.memory.items.keys())
      if (place.startsWith('parked#')) times.push(Date.parse(place.split('|')[1]?.split('#')[0] ?? ''));
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  #leaseEnd(): number | undefined {
    const ends = [...this.memory.items.values()].flatMap(({ leaseUntil }) =>
      typeof leaseUntil === 'number' && leaseUntil >= this.machine.now ? [leaseUntil + 1] : [],
    );
    return ends.length > 0 ? Math.min(...ends) : undefined;
  }

  #passTo(time: number): void {
    const { machine } = this;
    machine.passTo(time);
    const isDue = [...this.memory.items.keys()].some(
      (place) => place.startsWith('parked#') && Date.parse(place.split('|')[1]?.split('#')[0] ?? '') <= time,
    );
    if (!isDue) return;
    const deps = this.dependencies();
    machine.start(`schedule at ${time}`, () => resendDue(deps, new Date(time)));
  }

  /** An earlier look never replaces the outcome of a later one. */
  #checkChange(place: string, was: TagItem | undefined, is: TagItem | undefined): void {
    const { pk, sk } = tagItemKey(key);
    if (place !== `${pk}|${sk}`) return;
    if (is?.mapping?.digest !== was?.mapping?.digest) this.#mappedAt = this.machine.now;
    if ((is?.committed?.resolve ?? 0) < (was?.committed?.resolve ?? 0))
      this.violations.push('an earlier look replaces the outcome of a later one');
    if ((is?.revision ?? 0) < (was?.revision ?? 0)) this.violations.push('a revision is used twice');
  }
}

/**
 * Marks and history decide nothing here. And the schedule may look for notes at any time: what it
 * misses, it finds the next time.
 */
function isPrivate({ name, place }: TableCommand): boolean {
  if (name === 'QueryCommand' && place.startsWith('parked')) return true;
  return /^(repos|mirrors|snapshot|registries|history#.*)(\||$)/.test(place);
}

/** The end of a job's id. */
export function labelOfJob(id: string): string {
  return id.slice(-4);
}

function labelOf(name: string, place: string, { UpdateExpression }: Record<string, unknown>): string {
  const short = place.replace(/sha256:([0-9a-f]{6})[0-9a-f]*/, '$1');
  return `${name.replace('Command', '')} ${short}${UpdateExpression ? `: ${UpdateExpression}` : ''}`;
}
