import { hash } from 'node:crypto';
import { textOf } from './memory-table.ts';
import { currentSurroundings, runInside, type Surroundings } from './virtual.ts';

/** A call of a process to something that it shares with others. */
export interface Call {
  /** For people. */
  label: string;
  /** What it reads or writes. */
  place: string;
  /** Makes the call; what it throws is the call's failure. */
  effect: () => unknown;
  isWrite?: boolean;
  /** An answer from a cache that is behind, if there is one. */
  stale?: (() => (() => unknown) | undefined) | undefined;
  /** Nobody else can notice when it happens: it happens at once. */
  isPrivate?: boolean;
}

interface PendingCall extends Call {
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

interface Timer {
  due: number;
  everyMs: number | undefined;
  call: () => void;
  /** What the process asked last before it began to wait, and how often that had been written. */
  place: string;
  writes: number;
}

/** One run of a function. It makes its calls one after the other, in the order of its code. */
export class Process implements Surroundings {
  readonly name: string;
  readonly pending: PendingCall[] = [];
  readonly timers = new Set<Timer>();
  isOver = false;
  /** How many of its writes took effect although their answers were lost. */
  lostAnswers = 0;
  /** Equal for processes of one name that have seen the same, and so will do the same. */
  seen = '';
  lastPlace = '';
  readonly #machine: Machine;
  #drawn = 0;

  constructor(name: string, machine: Machine) {
    this.name = name;
    this.#machine = machine;
  }

  now(): number {
    return this.#machine.now;
  }

  later(ms: number, call: () => void, repeats: boolean): { cancel(): void } {
    const timer: Timer = {
      due: this.#machine.now + ms,
      everyMs: repeats ? ms : undefined,
      call: () => runInside(this, call),
      place: this.lastPlace,
      writes: this.#machine.writesTo(this.lastPlace),
    };
    if (ms <= 1) queueMicrotask(timer.call);
    else this.timers.add(timer);
    return { cancel: () => this.timers.delete(timer) };
  }

  bytes(count: number): Buffer {
    this.#drawn += 1;
    const digest = hash('md5', `${this.name} ${this.#drawn}`, 'buffer');
    return Buffer.from(digest.subarray(0, count));
  }

  /** Whether what it waits for may have come. */
  canWake(timer: Timer): boolean {
    return timer.everyMs === undefined && timer.writes !== this.#machine.writesTo(timer.place);
  }

  fingerprint(): string {
    return this.isOver ? '' : `${this.name} ${this.seen} ${this.pending.length} ${this.timers.size}`;
  }
}

/**
 * Processes whose calls go on one at a time, as somebody chooses. Between two choices, everything
 * stands still: processes wait for their calls, or for time to pass.
 */
export class Machine {
  now: number;
  readonly processes: Process[] = [];
  /** What happened, for people. */
  readonly trace: string[] = [];
  readonly writesTo: (place: string) => number;

  constructor(now: number, writesTo: (place: string) => number) {
    this.now = now;
    this.writesTo = writesTo;
  }

  get living(): Process[] {
    return this.processes.filter(({ isOver }) => !isOver);
  }

  find(name: string): Process {
    const process = this.living.find((each) => each.name === name);
    if (!process) throw new Error(`there is no process ${name}`);
    return process;
  }

  /** Begins a process. `ended` is told how it ended, unless it is killed. */
  start(
    name: string,
    work: () => Promise<unknown>,
    ended: (outcome: { value: unknown } | { error: unknown }) => void = () => {},
  ): Process {
    const process = new Process(name, this);
    this.processes.push(process);
    const end = (outcome: { value: unknown } | { error: unknown }) => {
      if (process.isOver) return;
      this.#finish(process);
      if ('error' in outcome) this.trace.push(`${name} fails: ${String(outcome.error)}`);
      ended(outcome);
    };
    runInside(process, () => {
      work().then(
        (value) => end({ value }),
        (error: unknown) => end({ error }),
      );
    });
    return process;
  }

  /** Makes a call when somebody chooses it, or at once outside of all processes. */
  async call(call: Call): Promise<unknown> {
    const process = currentSurroundings() as Process | undefined;
    if (process === undefined) return call.effect();
    // Nobody waits for what a dead process does.
    if (process.isOver) return await new Promise(() => {});
    if (call.isPrivate) {
      const value = call.effect();
      this.#saw(process, call, value);
      return value;
    }
    return await new Promise((resolve, reject) => process.pending.push({ ...call, resolve, reject }));
  }

  /** Lets the process's next call happen, in its own way or another. */
  go(process: Process, effect = this.next(process).effect, how = ''): void {
    const call = this.next(process);
    process.pending.shift();
    this.trace.push(`${process.name}: ${call.label}${how && `, ${how}`}`);
    process.lastPlace = call.place;
    try {
      const value = effect();
      this.#saw(process, call, value);
      call.resolve(value);
    } catch (error) {
      this.#saw(process, call, String(error));
      call.reject(error);
    }
  }

  /** Lets it happen, but its answer gets lost: the client sends it again. */
  loseAnswer(process: Process): void {
    const call = this.next(process);
    this.trace.push(`${process.name}: ${call.label} … its answer is lost`);
    process.lostAnswers += 1;
    try {
      call.effect();
    } catch {
      // A failure is an answer, too: it is lost like any other.
    }
    process.seen = hash('md5', `${process.seen} lost ${this.now}`);
  }

  kill(process: Process): void {
    this.trace.push(`${process.name} is killed`);
    this.#finish(process);
  }

  next({ name, pending }: Process): PendingCall {
    const [call] = pending;
    if (!call) throw new Error(`${name} waits for nothing`);
    return call;
  }

  /** Lets the time pass, and calls the timers that are due, each at most once. */
  passTo(time: number): void {
    this.now = Math.max(this.now, time);
    this.trace.push(`it is ${new Date(this.now).toISOString()}`);
    for (const process of this.living)
      for (const timer of [...process.timers]) if (timer.due <= this.now) this.#ring(process, timer);
  }

  /** A process that waits goes on. */
  wake(process: Process, timer: Timer): void {
    this.now = Math.max(this.now, timer.due);
    this.trace.push(`${process.name} goes on after its pause`);
    this.#ring(process, timer);
  }

  #ring(process: Process, timer: Timer): void {
    if (timer.everyMs === undefined) process.timers.delete(timer);
    else timer.due = this.now + timer.everyMs;
    process.seen = hash('md5', `${process.seen} rings ${this.now}`);
    timer.call();
  }

  #saw(process: Process, { label }: Call, value: unknown): void {
    process.seen = hash('md5', `${process.seen} ${label} ${this.now} ${textOf(value)}`);
  }

  #finish(process: Process): void {
    process.isOver = true;
    process.pending.length = 0;
    process.timers.clear();
  }
}
