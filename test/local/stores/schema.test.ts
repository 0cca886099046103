import { PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { guardWrites, recheckMs, SchemaGuard } from '../../../core/aws/dynamodb/schema/guard.ts';
import {
  announceMs,
  type MigrateResult,
  migrate,
  settleMs,
} from '../../../core/aws/dynamodb/schema/migrate.ts';
import { type Migration, migrations } from '../../../core/aws/dynamodb/schema/migrations.ts';
import {
  readSchema,
  SchemaError,
  schemaKey,
  schemaVersion,
} from '../../../core/aws/dynamodb/schema/state.ts';
import {
  conditional,
  openTable,
  queryPages,
  readItem,
  type Table,
} from '../../../core/aws/dynamodb/table.ts';
import { startTable } from '../../../local/dynamodb.ts';

const start = Date.parse('2026-12-01T10:00:00Z');
const repositories = ['docker.io/library/nginx', 'ghcr.io/acme/shop', 'ghcr.io/acme/web'];

/** Calls of one release, each with a client and a guard of its own, as a cold start has them. */
interface Release {
  table: Table;
  guard: SchemaGuard;
  /** How many items were read for the guard. */
  checks(): number;
}

describe('the version of the table’s items', () => {
  let local: Awaited<ReturnType<typeof startTable>>;
  let plain: Table;
  let now: number;
  const opened: Table[] = [];

  function open(): Table {
    const table = openTable(local.name, {
      endpoint: local.endpoint,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    opened.push(table);
    return table;
  }

  /** A cold start of a release that knows this version. */
  function release(version: number): Release {
    const table = open();
    let checks = 0;
    table.client.middlewareStack.add(
      (next, { commandName }) =>
        (args) => {
          if (/^Get/.test(String(commandName))) checks += 1;
          return next(args);
        },
      { step: 'initialize' },
    );
    const guard = new SchemaGuard(table, { version, now: () => now });
    guardWrites(table, guard);
    return { table, guard, checks: () => checks };
  }

  /** Writes an item as each version has it: 1 has `size`, 2 has `bytes`. */
  async function writeImage({ table, guard }: Release, sk: string, repository = repositories[0]) {
    const size = (await guard.writableVersion()) === 1 ? { size: '7' } : { bytes: 7 };
    await table.client.send(
      new PutCommand({ TableName: table.name, Item: { pk: `repo#${repository}`, sk, ...size } }),
    );
  }

  /** Renames `size` to `bytes`, one repository a step. */
  const toBytes = (onStep: (repository: string) => void = () => {}): Migration => ({
    to: 2,
    async step(table, cursor) {
      const { Items: [entry] = [] } = await table.client.send(
        new QueryCommand({
          TableName: table.name,
          KeyConditionExpression: 'pk = :repos AND sk > :cursor',
          ExpressionAttributeValues: { ':repos': 'repos', ':cursor': cursor ?? ' ' },
          Limit: 1,
          ConsistentRead: true,
        }),
      );
      if (!entry) return undefined;
      const pages = queryPages(table, {
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': `repo#${entry.sk}` },
      });
      for await (const page of pages)
        for (const { pk, sk, size } of page) {
          if (size === undefined) continue;
          onStep(String(entry.sk));
          await conditional(
            table.client.send(
              new UpdateCommand({
                TableName: table.name,
                Key: { pk, sk },
                UpdateExpression: 'SET #bytes = :bytes REMOVE #size',
                ConditionExpression: '#size = :size',
                ExpressionAttributeNames: { '#bytes': 'bytes', '#size': 'size' },
                ExpressionAttributeValues: { ':bytes': Number(size), ':size': size },
              }),
            ),
          );
        }
      return String(entry.sk);
    },
  });

  /** What the schedule function of a release does in a minute. */
  async function minute(version: number, list = [toBytes()], limitMs = 20_000): Promise<MigrateResult> {
    const { table } = release(version);
    return await migrate(table, {
      version,
      migrations: list,
      now: () => new Date(now),
      endsAt: now + limitMs,
    });
  }

  async function formsOf(): Promise<string[]> {
    const forms = new Set<string>();
    for (const repository of repositories)
      for await (const page of queryPages(plain, {
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': `repo#${repository}` },
      }))
        for (const item of page) forms.add('size' in item ? 'size' : `bytes ${item.bytes}`);
    return [...forms].sort();
  }

  /** Up to the moment when old items may be converted. */
  async function begin(): Promise<void> {
    expect(await minute(2)).toEqual({ kind: 'announced', to: 2 });
    now += announceMs;
    expect(await minute(2)).toEqual({ kind: 'begun', to: 2 });
    now += settleMs;
  }

  beforeEach(async () => {
    now = start;
    local = await startTable('eu-west-1');
    plain = open();
    const one = release(1);
    for (const repository of repositories) {
      await plain.client.send(
        new PutCommand({ TableName: plain.name, Item: { pk: 'repos', sk: repository } }),
      );
      await writeImage(one, 'ref#1.0', repository);
      await writeImage(one, 'ref#2.0', repository);
    }
  });
  afterEach(async () => {
    for (const table of opened.splice(0)) table.client.destroy();
    await local.stop();
  });

  it('is 1 without an item, and each version up to that of the code has its migration', async () => {
    expect(await readSchema(plain)).toEqual({ version: 1 });
    const wanted = Array.from({ length: schemaVersion - 1 }, (_, n) => n + 2);
    expect(migrations.map(({ to }) => to)).toEqual(wanted);
    expect(await minute(1)).toEqual({ kind: 'current' });
    expect(await readItem(plain, schemaKey)).toBeUndefined();
  });

  it('is read once in a cold start, before the first write, however many follow at once', async () => {
    const one = release(1);
    await Promise.all(['a', 'b', 'c'].map((sk) => writeImage(one, sk)));
    now += 10 * recheckMs;
    await writeImage(one, 'd');
    expect(one.checks()).toBe(1);
  });

  it('goes up by one: announced, written, converted step by step, done', async () => {
    const [old, warm] = [release(1), release(2)];
    for (const one of [old, warm]) await writeImage(one, 'ref#3.0');
    expect(await minute(2)).toEqual({ kind: 'announced', to: 2 });
    now += announceMs - 1;
    expect(await minute(2)).toEqual({ kind: 'waiting', to: 2 });
    await writeImage(release(2), 'ref#4.0');
    await writeImage(release(1), 'ref#5.0');
    expect(await formsOf(), 'while it is announced, all write the old form').toEqual(['size']);
    now += 1;
    expect(await minute(2)).toEqual({ kind: 'begun', to: 2 });
    // An invocation of the release before still has the state of its cold start.
    await writeImage(old, 'ref#6.0');
    now += settleMs - 1;
    expect(await minute(2)).toEqual({ kind: 'waiting', to: 2 });
    await writeImage(warm, 'ref#7.0');
    expect(await formsOf()).toEqual(['bytes 7', 'size']);
    now += 1;
    expect(await minute(2)).toEqual({ kind: 'done', to: 2 });
    expect(await formsOf()).toEqual(['bytes 7']);
    expect(await readSchema(plain)).toEqual({ version: 2 });
    expect(await minute(2)).toEqual({ kind: 'current' });
  });

  it('goes up one after another over several versions', async () => {
    const three: Migration = { to: 3, step: async () => undefined };
    const kinds: string[] = [];
    for (let n = 0; n < 7; n += 1) {
      const result = await minute(3, [toBytes(), three]);
      kinds.push('to' in result ? `${result.kind} ${result.to}` : result.kind);
      now += announceMs;
    }
    expect(kinds).toEqual([
      ...['announced 2', 'begun 2', 'done 2'],
      ...['announced 3', 'begun 3', 'done 3', 'current'],
    ]);
    expect(await readSchema(plain)).toEqual({ version: 3 });
  });

  it('continues at the repository where a step failed', async () => {
    await begin();
    const failing = toBytes((repository) => {
      if (repository === repositories[1]) throw new Error('throttled');
    });
    await expect(minute(2, [failing])).rejects.toThrow('throttled');
    expect(await readSchema(plain)).toMatchObject({ version: 2, cursor: repositories[0] });
    const seen = new Set<string>();
    expect(await minute(2, [toBytes((repository) => seen.add(repository))])).toEqual({ kind: 'done', to: 2 });
    expect([...seen]).toEqual(repositories.slice(1));
    expect(await formsOf()).toEqual(['bytes 7']);
  });

  it('begins no further step when the time is over', async () => {
    await begin();
    const slow = toBytes(() => {
      now += 1_000;
    });
    for (const repository of repositories) {
      expect(await minute(2, [slow], 1_500)).toEqual({ kind: 'converting', to: 2 });
      expect(await readSchema(plain)).toMatchObject({ cursor: repository });
    }
    expect(await minute(2, [slow], 1_500)).toEqual({ kind: 'done', to: 2 });
  });

  it('ends well if two invocations migrate at once', async () => {
    await begin();
    const results = await Promise.all([minute(2), minute(2), minute(2)]);
    expect(results.map(({ kind }) => kind)).toContain('done');
    expect(await formsOf()).toEqual(['bytes 7']);
    expect(await readSchema(plain)).toEqual({ version: 2 });
  });

  it('lets nothing be written by a release that does not know it, and says so', async () => {
    await begin();
    const old = release(1);
    const write = writeImage(old, 'ref#9.0');
    await expect(write).rejects.toThrow(SchemaError);
    await expect(write).rejects.toThrow(
      /have the schema version 2, and this release of Drayage only knows versions up to 1; nothing was written: deploy the later release again/,
    );
    // The client refuses, too, whoever uses it, and a rollback that changes the state.
    for (const command of [
      new PutCommand({ TableName: plain.name, Item: { pk: 'repos', sk: 'x' } }),
      new UpdateCommand({ TableName: plain.name, Key: schemaKey }),
    ])
      await expect(old.table.client.send(command as PutCommand)).rejects.toThrow(SchemaError);
    expect(await readItem(old.table, { pk: 'repos', sk: repositories[0] ?? '' })).toBeDefined();
    expect(await readItem(plain, { pk: 'repos', sk: 'x' })).toBeUndefined();
    expect(await minute(1)).toEqual({ kind: 'newer' });
  });

  it('lets a refused release write again if the table is taken back', async () => {
    await plain.client.send(new PutCommand({ TableName: plain.name, Item: { ...schemaKey, version: 2 } }));
    const old = release(1);
    await expect(writeImage(old, 'a')).rejects.toThrow(SchemaError);
    await plain.client.send(new PutCommand({ TableName: plain.name, Item: { ...schemaKey, version: 1 } }));
    await expect(writeImage(old, 'a')).rejects.toThrow(SchemaError);
    now += recheckMs;
    await writeImage(old, 'a');
  });

  it('is withdrawn by the release before, if that is deployed again before anything was written', async () => {
    await minute(2);
    expect(await minute(1)).toEqual({ kind: 'withdrawn', to: 2 });
    await writeImage(release(1), 'ref#8.0');
    now += announceMs;
    expect(await minute(2), 'the time begins again').toEqual({ kind: 'announced', to: 2 });
  });

  it('stops writes if the item is damaged', async () => {
    for (const version of ['2', 0, 1.5, null]) {
      await plain.client.send(new PutCommand({ TableName: plain.name, Item: { ...schemaKey, version } }));
      await expect(writeImage(release(1), 'a')).rejects.toThrow(/is not a whole number from 1/);
    }
  });

  it('is asked for again by the next write if it could not be read', async () => {
    const one = release(1);
    let fails = true;
    one.table.client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (fails && /^Get/.test(String(commandName))) throw new Error('unreachable');
          return await next(args);
        },
      { step: 'initialize', priority: 'low' },
    );
    await expect(writeImage(one, 'a')).rejects.toThrow('unreachable');
    fails = false;
    await writeImage(one, 'a');
  });
});
