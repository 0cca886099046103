import { conditional, type Table, updateItem } from '../table.ts';
import type { Migration } from './migrations.ts';
import { readSchema, type SchemaState, schemaKey } from './state.ts';

/**
 * How long a new version is announced before anything writes it, in milliseconds: functions of the
 * release before may run that long. CloudFormation updates functions one after another, and an
 * invocation lasts up to 15 minutes.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
 */
export const announceMs = 30 * 60_000;
/**
 * How long the new version is written before old items are converted, in milliseconds: an
 * invocation that began before may still write the old one.
 */
export const settleMs = 20 * 60_000;

/** What the migration of a table needs. */
export interface MigrateOptions {
  /** The version that this code knows. */
  readonly version: number;
  readonly migrations: readonly Migration[];
  readonly now: () => Date;
  /** When no further step begins, in milliseconds since 1970. */
  readonly endsAt: number;
}

/** What a call did. */
export type MigrateResult =
  | { kind: 'current' }
  | { kind: 'newer' }
  | { kind: 'withdrawn' | 'announced' | 'waiting' | 'begun' | 'converting' | 'done'; to: number };

/**
 * Takes the table one version closer to the code's: announces it, lets it be written, converts old
 * items step by step, and notes the end. Each call does what is due, and no more than fits before
 * `endsAt`; the next one continues. Two calls at once do no harm, since each change of the state
 * has a condition.
 */
export async function migrate(table: Table, options: MigrateOptions): Promise<MigrateResult> {
  const { version, now } = options;
  const state = await readSchema(table);
  if (state.version > version) return { kind: 'newer' };
  if (state.migratingSince !== undefined)
    return await convert(table, { ...state, migratingSince: state.migratingSince }, options);
  if (state.next !== undefined && (state.next > version || state.version === version)) {
    // A later release was deployed and taken back before it wrote anything.
    await changeState(table, state, { update: 'REMOVE #next, #nextSince' });
    return { kind: 'withdrawn', to: state.next };
  }
  if (state.version === version) return { kind: 'current' };
  const to = state.version + 1;
  if (state.next === undefined || state.nextSince === undefined) {
    await changeState(table, state, {
      update: 'SET #version = :version, #next = :to, #nextSince = :now',
      values: { ':to': to, ':now': now().toISOString() },
    });
    return { kind: 'announced', to };
  }
  if (isWithin(state.nextSince, announceMs, now())) return { kind: 'waiting', to };
  await changeState(table, state, {
    update: 'SET #version = :to, #migratingSince = :now REMOVE #next, #nextSince, #cursor',
    values: { ':to': to, ':now': now().toISOString() },
  });
  return { kind: 'begun', to };
}

async function convert(
  table: Table,
  state: SchemaState & { migratingSince: string },
  { migrations, now, endsAt }: MigrateOptions,
): Promise<MigrateResult> {
  const { version: to, migratingSince } = state;
  if (isWithin(migratingSince, settleMs, now())) return { kind: 'waiting', to };
  const migration = migrations.find((one) => one.to === to);
  if (!migration) throw new Error(`this release has no migration to the schema version ${to}`);
  let { cursor } = state;
  while (now().getTime() < endsAt) {
    const next = await migration.step(table, cursor);
    const before: SchemaState = { version: to, migratingSince, ...(cursor !== undefined && { cursor }) };
    if (next === undefined) {
      await changeState(table, before, { update: 'REMOVE #migratingSince, #cursor' });
      return { kind: 'done', to };
    }
    const isOurs = await changeState(table, before, {
      update: 'SET #cursor = :next',
      values: { ':next': next },
    });
    // Another invocation has done this step, too, and goes on.
    if (!isOurs) break;
    cursor = next;
  }
  return { kind: 'converting', to };
}

const attributes = ['version', 'next', 'nextSince', 'migratingSince', 'cursor'] as const;

/** Changes the state if it is still what was read. */
async function changeState(
  table: Table,
  before: SchemaState,
  { update, values = {} }: { update: string; values?: Record<string, unknown> },
): Promise<boolean> {
  const known: Record<string, unknown> = { ...before };
  const clauses: string[] = [];
  const used = new Set(update.match(/#\w+/g));
  const all: Record<string, unknown> = { ...values };
  for (const name of attributes) {
    used.add(`#${name}`);
    if (known[name] === undefined) clauses.push(`attribute_not_exists(#${name})`);
    // A table without the item has version 1.
    else if (name === 'version' && before.version === 1)
      clauses.push('(attribute_not_exists(#version) OR #version = :version)');
    else clauses.push(`#${name} = :${name}`);
    if (known[name] !== undefined) all[`:${name}`] = known[name];
  }
  const changed = await conditional(
    updateItem(table, schemaKey, {
      update,
      condition: clauses.join(' AND '),
      names: Object.fromEntries([...used].map((name) => [name, name.slice(1)])),
      values: all,
    }),
  );
  return changed !== undefined;
}

function isWithin(since: string, ms: number, now: Date): boolean {
  return now.getTime() < new Date(since).getTime() + ms;
}
