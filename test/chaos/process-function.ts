import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FromInstance, ToInstance } from './function-process.ts';

/** When the process of an invocation is killed. */
export type Death =
  | { afterMs: number }
  /** At its nth call to the table or the queues: before or after the call takes effect. */
  | { atCall: number; when: 'before' | 'after' };

export interface ProcessFunctionOptions {
  name: string;
  /** The file that exports `handler`. */
  module: string;
  environment: Record<string, string>;
  /** The most processes. */
  instances: number;
  /** The most events at once in one process. */
  eventsPerInstance: number;
  /** Receives the function's log. */
  log: (text: string) => void;
}

interface Instance {
  child: ChildProcess;
  /** The access key that it signs with, so that its calls can be told from others'. */
  identity: string;
  waiting: Map<number, { resolve(value: unknown): void; reject(error: Error): void }>;
  ready: Promise<unknown>;
  /** Takes no more events: a newer version is deployed. */
  isOld: boolean;
  calls: number;
  death?: Death | undefined;
}

const timeoutMs = 900_000;

/** A function whose instances are processes of their own, which can be killed at any time. */
export class ProcessFunction {
  readonly #options: ProcessFunctionOptions;
  readonly #instances = new Set<Instance>();
  readonly #queue: (() => void)[] = [];
  #environment: Record<string, string>;
  #aheadMs = 0;
  #next = 1;
  /** How many processes were killed. */
  killed = 0;

  constructor(options: ProcessFunctionOptions) {
    this.#options = options;
    this.#environment = options.environment;
  }

  get name(): string {
    return this.#options.name;
  }

  /** How many events are in progress. */
  get busy(): number {
    return [...this.#instances].reduce((sum, { waiting }) => sum + waiting.size, 0);
  }

  /** Whether a version that was replaced still runs. */
  get isReplacing(): boolean {
    return [...this.#instances].some(({ isOld }) => isOld);
  }

  /**
   * Runs one event and returns the handler's answer; rejects with its error, or if it is killed.
   */
  async invoke(event: unknown, death?: Death): Promise<unknown> {
    const instance = await this.#free();
    const id = this.#next++;
    if (death) Object.assign(instance, { calls: 0, death });
    const timer =
      death && 'afterMs' in death ? setTimeout(() => this.#kill(instance), death.afterMs) : undefined;
    try {
      return await new Promise((resolve, reject) => {
        instance.waiting.set(id, { resolve, reject });
        send(instance, { kind: 'invoke', id, event, remainingMs: timeoutMs });
      });
    } finally {
      clearTimeout(timer);
      if (instance.death === death) instance.death = undefined;
      instance.waiting.delete(id);
      if (instance.isOld && instance.waiting.size === 0) instance.child.kill('SIGKILL');
      this.#queue.shift()?.();
    }
  }

  /** Told of each call to a service, before and after. @returns whether it has killed the caller */
  called(identity: string, when: 'before' | 'after'): boolean {
    const instance = [...this.#instances].find((each) => each.identity === identity);
    if (!instance) return false;
    if (when === 'before') instance.calls += 1;
    const { death, calls } = instance;
    if (!death || !('atCall' in death) || death.when !== when || calls < death.atCall) return false;
    this.#kill(instance);
    return true;
  }

  /** Moves the clocks of all instances, and of those to come. */
  setClock(aheadMs: number): void {
    this.#aheadMs = aheadMs;
    for (const instance of this.#instances) send(instance, { kind: 'clock', aheadMs });
  }

  /** Another version: what is in progress ends with the old one. */
  deploy(environment: Record<string, string>): void {
    this.#environment = environment;
    for (const instance of this.#instances) {
      instance.isOld = true;
      if (instance.waiting.size === 0) instance.child.kill('SIGKILL');
    }
  }

  async stop(): Promise<void> {
    await Promise.all(
      [...this.#instances].map(async ({ child }) => {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }),
    );
  }

  #kill(instance: Instance): void {
    if (!this.#instances.has(instance)) return;
    this.killed += 1;
    instance.child.kill('SIGKILL');
    this.#gone(instance, new Error(`${this.name} was killed`));
  }

  async #free(): Promise<Instance> {
    for (;;) {
      const live = [...this.#instances].filter(({ isOld }) => !isOld);
      const free = live.find(({ waiting }) => waiting.size < this.#options.eventsPerInstance);
      if (free) return free;
      if (live.length < this.#options.instances) return this.#start();
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    }
  }

  #start(): Instance {
    const { name, module, log } = this.#options;
    const identity = `${name}-${this.#next++}`;
    const child = fork(
      fileURLToPath(new URL('./function-process.ts', import.meta.url)),
      [module, name, String(this.#aheadMs)],
      {
        env: {
          ...process.env,
          ...this.#environment,
          AWS_ACCESS_KEY_ID: identity,
          POWERTOOLS_SERVICE_NAME: name,
        },
        execArgv: [],
        silent: true,
        serialization: 'json',
      },
    );
    for (const output of [child.stdout, child.stderr])
      output?.on('data', (chunk: Buffer) => log(`${identity} ${chunk.toString()}`));
    const instance: Instance = {
      child,
      identity,
      waiting: new Map(),
      ready: once(child, 'message'),
      isOld: false,
      calls: 0,
    };
    child.on('message', (message: FromInstance) => {
      if (message.kind === 'ready') return;
      const caller = instance.waiting.get(message.id);
      if (message.kind === 'done') caller?.resolve(message.value);
      else caller?.reject(Object.assign(new Error(message.message), { name: message.name }));
    });
    child.on('exit', () => this.#gone(instance, new Error(`${name} ended unexpectedly`)));
    instance.ready.catch(() => {});
    this.#instances.add(instance);
    return instance;
  }

  #gone(instance: Instance, error: Error): void {
    if (!this.#instances.delete(instance)) return;
    for (const { reject } of instance.waiting.values()) reject(error);
  }
}

/** What is sent before the handler is loaded waits in the pipe. */
function send({ child }: Instance, message: ToInstance): void {
  if (child.connected) child.send(message, () => {});
}
