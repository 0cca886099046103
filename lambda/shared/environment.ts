import { readFileSync } from 'node:fs';
import type { Config } from '../../core/config/config.ts';

/** The environment lacks something that a function needs; the message names the variable. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

type Variable = `DRAYAGE_${string}`;

const configVariable: Variable = 'DRAYAGE_CONFIG_JSON';
/** The construct puts it beside the bundle, since an environment has room for only 4 kB. */
const configFile = 'mirror.json';

/** What the stack passes to its functions. Values are read on demand. */
export class Environment {
  readonly #variables: NodeJS.ProcessEnv;

  constructor(variables: NodeJS.ProcessEnv) {
    this.#variables = variables;
  }

  /** A variable that must be set. @throws EnvironmentError */
  text(name: Variable, { mayBeEmpty = false } = {}): string {
    const value = this.#variables[name];
    if (value === undefined) throw new EnvironmentError(problem(name, 'is not set'));
    if (value === '' && !mayBeEmpty) throw new EnvironmentError(problem(name, 'is empty'));
    return value;
  }

  optionalText(name: Variable): string | undefined {
    return this.#variables[name];
  }

  /** A positive number that must be set. @throws EnvironmentError */
  number(name: Variable, { mayBeZero = false } = {}): number {
    const text = this.text(name);
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value) && (value > 0 || (mayBeZero && value === 0))) return value;
    const wanted = mayBeZero ? 'a number of 0 or more' : 'a positive number';
    throw new EnvironmentError(problem(name, `is "${text}", which is not ${wanted}`));
  }

  /** The same for a variable that may be absent. @throws EnvironmentError */
  optionalNumber(name: Variable, options?: { mayBeZero: boolean }): number | undefined {
    return this.#variables[name] === undefined ? undefined : this.number(name, options);
  }

  /**
   * The normalised configuration: from its variable, otherwise from the file beside the bundle. The
   * stack validated it before writing it, so only its outline is checked.
   *
   * @throws EnvironmentError
   */
  config(): Config {
    const text = this.#variables[configVariable];
    return text === undefined
      ? parseConfig(readConfigFile(), configFile)
      : parseConfig(text, `the environment variable ${configVariable}`);
  }
}

function problem(name: Variable, what: string): string {
  return `the environment variable ${name} ${what}: the stack sets it at deployment`;
}

function readConfigFile(): string {
  try {
    return readFileSync(new URL(`./${configFile}`, import.meta.url), 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new EnvironmentError(
      `there is no configuration: ${configVariable} is not set, and ${configFile} can't be read (${code})`,
      { cause },
    );
  }
}

function parseConfig(text: string, where: string): Config {
  let value: Partial<Config> | null;
  try {
    value = JSON.parse(text);
  } catch {
    throw new EnvironmentError(`${where} is not JSON: the stack writes it at deployment`);
  }
  if (Array.isArray(value?.mirror?.regions) && Array.isArray(value.upstreams)) return value as Config;
  throw new EnvironmentError(
    `${where} is not a configuration, since mirror.regions and upstreams are not both lists: the stack writes it at deployment`,
  );
}
