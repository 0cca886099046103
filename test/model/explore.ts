import { setImmediate } from 'node:timers/promises';
import { makeVirtual } from './virtual.ts';
import { type Scenario, World } from './world.ts';

/** What a search looked at, and what it found. */
export interface Explored {
  scenario: string;
  /** The most deviations of a run. */
  bound: number;
  /** How many runs were begun, how many different states they came to, and how many ended. */
  runs: number;
  states: number;
  ends: number;
  steps: number;
  failure?: Failure;
}

/** A run that ends badly. */
export interface Failure {
  problems: string[];
  /** The choices that lead there. */
  path: string[];
  trace: string[];
}

interface Node {
  before: Node | undefined;
  choice: string;
}

/** A run that does not come to an end within so many steps never does. */
const mostSteps = 2_000;

const turn = setImmediate;

/**
 * Tries everything that can happen with at most `bound` deviations, and stops at the first run that
 * ends badly. What was seen before, with as many deviations left, is not tried again.
 *
 * @param before builds the world in which all runs begin
 */
export async function explore(
  scenario: Scenario,
  bound: number,
  before?: () => Promise<World>,
): Promise<Explored> {
  const restore = makeVirtual();
  try {
    return await new Search(scenario, bound, await before?.()).run();
  } finally {
    restore();
  }
}

class Search {
  readonly #scenario: Scenario;
  readonly #before: World | undefined;
  readonly #bound: number;
  /** The deviations that were left when a state was seen. */
  readonly #seen = new Map<string, number>();
  readonly #open: (Node | undefined)[] = [undefined];
  readonly #found: Explored;

  constructor(scenario: Scenario, bound: number, before: World | undefined) {
    this.#scenario = scenario;
    this.#before = before;
    this.#bound = bound;
    this.#found = { scenario: scenario.name, bound, runs: 0, states: 0, ends: 0, steps: 0 };
  }

  async run(): Promise<Explored> {
    while (this.#open.length > 0 && this.#found.failure === undefined) {
      this.#found.runs += 1;
      await this.#runFrom(this.#open.pop());
    }
    this.#found.states = this.#seen.size;
    return this.#found;
  }

  async #runFrom(node: Node | undefined): Promise<void> {
    const world = new World(this.#scenario, this.#before);
    for (const choice of pathOf(node)) await this.#take(world, choice);
    let at = node;
    for (let step = 0; ; step += 1) {
      if (world.violations.length > 0) return this.#fail(world, at, world.violations);
      const left = this.#bound - world.spent;
      const state = world.fingerprint();
      if ((this.#seen.get(state) ?? -1) >= left) return;
      this.#seen.set(state, left);
      const choices = world.choices().filter(({ cost }) => cost <= left);
      const [first, ...others] = choices;
      if (!first) {
        this.#found.ends += 1;
        const problems = world.problems();
        if (problems.length > 0) this.#fail(world, at, problems);
        return;
      }
      if (step > mostSteps) return this.#fail(world, at, ['it never comes to an end']);
      for (const { name } of others.reverse()) this.#open.push({ before: at, choice: name });
      at = { before: at, choice: first.name };
      await this.#take(world, first.name);
    }
  }

  async #take(world: World, name: string): Promise<void> {
    const choice = world.choices().find((each) => each.name === name);
    if (!choice) throw new Error(`the run is not the same again: it can't go on with “${name}”`);
    this.#found.steps += 1;
    choice.take();
    await turn();
  }

  #fail(world: World, at: Node | undefined, problems: string[]): void {
    this.#found.failure = { problems, path: pathOf(at), trace: world.machine.trace };
  }
}

function pathOf(node: Node | undefined): string[] {
  const path: string[] = [];
  for (let at = node; at; at = at.before) path.push(at.choice);
  return path.reverse();
}

/**
 * Lets everything happen that happens by itself, without deviations, until nothing is left to do,
 * or until this time.
 */
export async function settle(world: World, until: number): Promise<World> {
  for (let step = 0; step < mostSteps; step += 1) {
    const mayPass = world.machine.now < until;
    const [first] = world
      .choices()
      .filter(({ cost, name }) => cost === 0 && (mayPass || name !== 'time passes'));
    if (!first) return world;
    first.take();
    await turn();
  }
  throw new Error('it never comes to an end');
}
