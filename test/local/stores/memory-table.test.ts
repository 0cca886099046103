import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import * as commands from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settle } from '../../model/explore.ts';
import type { TableCommand } from '../../model/memory-table.ts';
import { everything } from '../../model/scenarios.ts';
import { makeVirtual } from '../../model/virtual.ts';
import { World } from '../../model/world.ts';
import { type LocalStores, startStores } from '../../support/local-stores.ts';

/** A command, and what the table in memory answered. */
interface Answered {
  command: TableCommand;
  answer: unknown;
}

/** Everything that the stores ask of the table in runs without deviations. */
async function record(): Promise<Answered[]> {
  const restore = makeVirtual();
  try {
    const answered: Answered[] = [];
    const world = new World({ name: 'recorded', faults: [], happenings: everything });
    const run = world.memory.run.bind(world.memory);
    world.memory.run = (command) => {
      try {
        const answer = run(command);
        answered.push({ command, answer });
        return answer;
      } catch (error) {
        answered.push({ command, answer: (error as Error).name });
        throw error;
      }
    };
    await settle(world, Number.POSITIVE_INFINITY);
    return answered;
  } finally {
    restore();
  }
}

describe('the table in memory', () => {
  let stores: LocalStores;
  beforeAll(async () => {
    stores = await startStores();
  });
  afterAll(() => stores.close());

  it('answers as the emulator does', async () => {
    const { client, name: TableName } = stores.table;
    const known = commands as unknown as Record<string, new (input: unknown) => commands.GetCommand>;
    const ask = async ({ name, input }: TableCommand): Promise<unknown> => {
      const Command = known[name];
      if (!Command) throw new Error(`there is no ${name}`);
      try {
        const answer = await client.send(new Command({ ...input, TableName }));
        const { Item, Items, Attributes, LastEvaluatedKey } = answer as unknown as Record<string, unknown>;
        return { Item, Items, Attributes, LastEvaluatedKey };
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return error.name;
        throw error;
      }
    };
    const answered = await record();
    expect(new Set(answered.map(({ command }) => command.name)).size).toBe(5);
    expect(answered.filter(({ answer }) => typeof answer === 'string').length).toBeGreaterThan(1);
    for (const { command, answer } of answered)
      expect({ command, answer: await ask(command) }).toEqual({ command, answer });
  }, 240_000);
});
