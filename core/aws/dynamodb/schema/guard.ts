import type { Table } from '../table.ts';
import { readSchema, SchemaError, type SchemaState, schemaVersion } from './state.ts';

/** For how long a state that is about to change is used again, in milliseconds. */
export const recheckMs = 60_000;

/** Commands that change nothing; every other command waits for the check. */
const isRead = (command: string) => /^(?:Get|BatchGet|Query|Scan|TransactGet|Describe)/.test(command);

/** What the guard of a table needs to know. */
export interface GuardOptions {
  /** The version that this code knows. */
  readonly version?: number;
  readonly now?: () => number;
}

/**
 * Keeps code from writing into a table whose items a later release has changed. The state is read
 * once, before the first write of a cold start, and again only while a migration is in progress.
 */
export class SchemaGuard {
  readonly #table: Table;
  readonly #version: number;
  readonly #now: () => number;
  #reading: Promise<SchemaState> | undefined;
  #readAt = 0;

  constructor(table: Table, { version = schemaVersion, now = Date.now }: GuardOptions = {}) {
    this.#table = table;
    this.#version = version;
    this.#now = now;
  }

  /** The state of the table, at most {@link recheckMs} old while it is about to change. */
  async state(): Promise<SchemaState> {
    const state = await this.#read();
    if (this.#isSettled(state) || this.#now() - this.#readAt < recheckMs) return state;
    this.#reading = undefined;
    return await this.#read();
  }

  /**
   * The version that may be written. It is lower than that of the code until a migration begins.
   *
   * @throws SchemaError if the table is newer than the code
   */
  async writableVersion(): Promise<number> {
    const { version } = await this.state();
    if (version <= this.#version) return version;
    throw new SchemaError(
      `the items of the table ${this.#table.name} have the schema version ${version}, and this release of Drayage only knows versions up to ${this.#version}; nothing was written`,
      'deploy the later release again, or restore the table to a time before its upgrade (docs/upgrade.md)',
    );
  }

  #isSettled({ version, next, migratingSince }: SchemaState): boolean {
    return version === this.#version && next === undefined && migratingSince === undefined;
  }

  async #read(): Promise<SchemaState> {
    if (this.#reading === undefined) {
      this.#readAt = this.#now();
      this.#reading = readSchema(this.#table);
    }
    const reading = this.#reading;
    try {
      return await reading;
    } catch (error) {
      // The next write tries again.
      if (this.#reading === reading) this.#reading = undefined;
      throw error;
    }
  }
}

/** Makes all writes through this table's client wait for the guard, and fail if it refuses. */
export function guardWrites(table: Table, guard: SchemaGuard): void {
  table.client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (!isRead(String(commandName))) await guard.writableVersion();
        return await next(args);
      },
    { step: 'initialize', name: 'schemaGuard' },
  );
}
