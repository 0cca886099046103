import type { Table } from '../table.ts';

/** How items of one version become items of the next. */
export interface Migration {
  /** The version that it makes, from the one before. */
  readonly to: number;
  /**
   * Converts some items, within a few seconds, so that doing it twice changes nothing. Items that
   * functions change at the same time must survive: write with conditions.
   *
   * @param cursor what the step before returned; undefined at the beginning
   * @returns where the next step continues; undefined if no item of the old version is left
   */
  step(table: Table, cursor: string | undefined): Promise<string | undefined>;
}

/** All migrations, in order: version 1 is the first that was released. */
export const migrations: readonly Migration[] = [];
