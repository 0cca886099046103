import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { FunctionWorkerData, Invocation, InvocationResult } from './function-worker.ts';

export interface LambdaFunctionOptions {
  name: string;
  /** The module that exports `handler`. */
  module: URL;
  /** Added to the runner's environment; each function has its own, as in Lambda. */
  environment: Record<string, string>;
  timeoutMs: number;
  /** The most instances. */
  instances: number;
  /**
   * The most events at once in one instance. Lambda allows one; functions that mostly wait may take
   * more here.
   */
  eventsPerInstance: number;
  /** Receives the function's logs. */
  log: NodeJS.WritableStream;
}

/** The function took longer than its timeout; its instance was ended, as in Lambda. */
export class FunctionTimeout extends Error {
  override readonly name = 'FunctionTimeout';
}

interface Instance {
  worker: Worker;
  waiting: Map<number, { resolve(value: unknown): void; reject(error: Error): void }>;
  ready: Promise<unknown>;
}

/**
 * Runs one of our Lambda handlers in threads of its own. Like Lambda's instances, they share only
 * what is stored outside, have their own environment, are kept for the next event, and are ended
 * when they time out.
 */
export class LambdaFunction {
  readonly #options: LambdaFunctionOptions;
  readonly #instances = new Set<Instance>();
  readonly #queue: (() => void)[] = [];
  #next = 1;
  #stopped = false;

  constructor(options: LambdaFunctionOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  /** Starts an instance before it is needed. */
  async warm(): Promise<void> {
    if (this.#instances.size === 0) await this.#start().ready;
  }

  /** Runs one event and returns the handler's answer, or rejects with its error. */
  async invoke(event: unknown): Promise<unknown> {
    const instance = await this.#free();
    const id = this.#next++;
    const deadline = Date.now() + this.#options.timeoutMs;
    let timer: NodeJS.Timeout | undefined;
    try {
      const answer = new Promise((resolve, reject) => {
        instance.waiting.set(id, { resolve, reject });
        timer = setTimeout(() => {
          const message = `${this.#options.name} timed out after ${this.#options.timeoutMs / 1000} s`;
          this.#discard(instance, new FunctionTimeout(message));
        }, this.#options.timeoutMs);
      });
      instance.worker.postMessage({ id, event, deadline } satisfies Invocation);
      return await answer;
    } finally {
      clearTimeout(timer);
      instance.waiting.delete(id);
      this.#queue.shift()?.();
    }
  }

  /** How many events are in progress. */
  get busy(): number {
    return [...this.#instances].reduce((sum, { waiting }) => sum + waiting.size, 0);
  }

  /**
   * Ends all instances at once without an exception, as if they ran out of memory; the next event
   * starts a new one.
   */
  async crash(): Promise<void> {
    await Promise.all([...this.#instances].map(({ worker }) => worker.terminate()));
  }

  /** Ends all instances; events in progress are rejected. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const instances = [...this.#instances];
    for (const instance of instances) this.#discard(instance, new Error(`${this.#options.name} was stopped`));
    await Promise.all(instances.map(({ worker }) => worker.terminate()));
  }

  async #free(): Promise<Instance> {
    for (;;) {
      if (this.#stopped) throw new Error(`${this.#options.name} was stopped`);
      const free = [...this.#instances].find(({ waiting }) => waiting.size < this.#options.eventsPerInstance);
      if (free) return free;
      if (this.#instances.size < this.#options.instances) return this.#start();
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    }
  }

  #start(): Instance {
    const { name, module, environment, log } = this.#options;
    const worker = new Worker(
      new URL(`./function-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
      {
        name,
        env: { ...process.env, ...environment },
        workerData: { module: module.href, functionName: name } satisfies FunctionWorkerData,
        stdout: true,
        stderr: true,
      },
    );
    // Not piped: each pipe would add its listeners to the log, and there are many functions.
    for (const output of [worker.stdout, worker.stderr])
      output.on('data', (chunk: Uint8Array) => {
        log.write(chunk);
      });
    const instance: Instance = { worker, waiting: new Map(), ready: once(worker, 'message') };
    instance.ready.catch(() => {}); // the waiting callers get the error event, below
    worker.on('message', (message: InvocationResult | 'ready') => {
      if (message === 'ready') return;
      const caller = instance.waiting.get(message.id);
      if ('error' in message)
        caller?.reject(Object.assign(new Error(message.error.message), { name: message.error.name }));
      else caller?.resolve(message.value);
    });
    worker.on('error', (error) =>
      this.#discard(instance, error instanceof Error ? error : new Error(String(error))),
    );
    worker.on('exit', () => this.#discard(instance, new Error(`${name} ended unexpectedly`)));
    this.#instances.add(instance);
    return instance;
  }

  /** Takes an instance out of use and rejects everything that waits for it. */
  #discard(instance: Instance, error: Error): void {
    if (!this.#instances.delete(instance)) return;
    for (const { reject } of instance.waiting.values()) reject(error);
    void instance.worker.terminate();
  }
}
