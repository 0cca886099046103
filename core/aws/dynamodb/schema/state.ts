import { DrayageError, type Retry } from '../../../errors.ts';
import { readItem, type Table } from '../table.ts';

/** The version of the table's items that this code reads and writes. */
export const schemaVersion = 1;

/** The key of the item that says which version the table's items have. */
export const schemaKey = { pk: 'schema', sk: 'version' };

/** What the table says about its items. Tables without the item have version 1. */
export interface SchemaState {
  /** The version that is written; code that only knows an earlier one must not write. */
  readonly version: number;
  /** A later version is announced: it is written some time after `nextSince`. */
  readonly next?: number;
  readonly nextSince?: string;
  /** There may still be items of the version before, and since when none are written. */
  readonly migratingSince?: string;
  /** How far their conversion has come. */
  readonly cursor?: string;
}

/** The table has items that this code may not understand. */
export class SchemaError extends DrayageError {
  override readonly name = 'SchemaError';
  readonly code = 'table_schema';
  readonly side = 'drayage';
  readonly remedy: string;
  // The release that can write may be on its way: messages stay in their queues until then.
  readonly retry: Retry = { kind: 'backoff' };

  constructor(message: string, remedy: string) {
    super(`${message}: ${remedy}`);
    this.remedy = remedy;
  }
}

/**
 * Reads the state with strong consistency.
 *
 * @throws SchemaError if the item is not one that any release writes
 */
export async function readSchema(table: Table): Promise<SchemaState> {
  const item = await readItem(table, schemaKey);
  if (item === undefined) return { version: 1 };
  const { version, next, nextSince, migratingSince, cursor } = item;
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1)
    throw new SchemaError(
      `the item schema/version of the table ${table.name} has the version ${JSON.stringify(version)}, which is not a whole number from 1`,
      'restore the table to a time before the item was changed',
    );
  return {
    version,
    ...(typeof next === 'number' && { next }),
    ...(typeof nextSince === 'string' && { nextSince }),
    ...(typeof migratingSince === 'string' && { migratingSince }),
    ...(typeof cursor === 'string' && { cursor }),
  };
}
