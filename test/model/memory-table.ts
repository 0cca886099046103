import { hash } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Table } from '../../core/aws/dynamodb/table.ts';
import { type Item, parseCondition, parseUpdate, project, type Terms } from './expressions.ts';

/** A command to the table, as the stores send it. */
export interface TableCommand {
  name: string;
  input: Record<string, unknown>;
  /** What it reads or writes: the item's keys, or the partition of a query. */
  place: string;
  isWrite: boolean;
}

/**
 * A DynamoDB table in memory. Each command takes effect at once; items are never changed in place,
 * so a copy of the table costs little. `test/local/stores/memory-table.test.ts` compares it with
 * the emulator.
 */
export class MemoryTable {
  readonly items: Map<string, Item>;
  /** How often a place was written to. */
  readonly writes = new Map<string, number>();
  /** Called after each change of an item. */
  onChange: (place: string, before: Item | undefined, after: Item | undefined) => void = () => {};
  readonly #hashes: Map<string, string>;

  constructor(before?: MemoryTable) {
    this.items = new Map(before?.items);
    this.#hashes = new Map(before ? before.#hashes : []);
  }

  /** The table as the stores see it, each of whose commands is made by `make`. */
  table(make: (command: TableCommand) => Promise<unknown>): Table {
    const send = (command: { input: Record<string, unknown>; constructor: { name: string } }) =>
      make(describe(command.constructor.name, command.input));
    return { name: 'table', client: { send } as unknown as DynamoDBDocumentClient };
  }

  /** Makes a command, and returns its answer. @throws ConditionalCheckFailedException */
  run({ name, input, place }: TableCommand): Item {
    const terms: Terms = {
      names: (input.ExpressionAttributeNames ?? {}) as Terms['names'],
      values: plain(input.ExpressionAttributeValues ?? {}) as Terms['values'],
    };
    if (name === 'QueryCommand') return this.#query(input, terms);
    const item = this.items.get(place);
    if (name === 'GetCommand') return item ? { Item: item } : {};
    const condition = input.ConditionExpression as string | undefined;
    if (condition !== undefined && !parseCondition(condition)(item, terms))
      throw new ConditionalCheckFailedException({ message: 'The conditional request failed', $metadata: {} });
    if (name === 'PutCommand') this.#set(place, item, plain(input.Item) as Item);
    else if (name === 'DeleteCommand') this.#set(place, item, undefined);
    else if (name === 'UpdateCommand') return this.#update(input, item, { terms, place });
    else throw new Error(`the table in memory has no ${name}`);
    return {};
  }

  /** Equal for tables with equal content. */
  fingerprint(): string {
    return [...this.#hashes.keys()]
      .sort()
      .map((place) => this.#hashes.get(place))
      .join('');
  }

  #update(
    { Key, UpdateExpression, ReturnValues }: Record<string, unknown>,
    before: Item | undefined,
    { terms, place }: { terms: Terms; place: string },
  ): Item {
    const { item, changed } = parseUpdate(String(UpdateExpression))(before ?? (Key as Item), terms);
    this.#set(place, before, item);
    if (ReturnValues === 'ALL_NEW') return { Attributes: item };
    if (ReturnValues === 'ALL_OLD') return before ? { Attributes: before } : {};
    if (ReturnValues !== 'UPDATED_NEW') return {};
    return { Attributes: Object.fromEntries(changed.map((attribute) => [attribute, item[attribute]])) };
  }

  #query(input: Record<string, unknown>, terms: Terms): Item {
    const isMeant = parseCondition(String(input.KeyConditionExpression));
    const limit = Number(input.Limit ?? Number.POSITIVE_INFINITY);
    const filter = input.FilterExpression as string | undefined;
    const projection = input.ProjectionExpression as string | undefined;
    const found = [...this.items.values()]
      .filter((item) => isMeant(item, terms))
      .sort((a, b) => (String(a.sk) < String(b.sk) ? -1 : 1));
    if (input.ScanIndexForward === false) found.reverse();
    const page = found.slice(0, limit);
    const items = page
      .filter((item) => filter === undefined || parseCondition(filter)(item, terms))
      .map((item) => (projection === undefined ? item : project(item, projection, terms)));
    const last = page.at(-1);
    return {
      Items: items,
      ...(found.length > page.length && last && { LastEvaluatedKey: { pk: last.pk, sk: last.sk } }),
    };
  }

  #set(place: string, before: Item | undefined, after: Item | undefined): void {
    if (after) {
      this.items.set(place, after);
      this.#hashes.set(place, hash('md5', `${place} ${textOf(after)}`));
    } else {
      this.items.delete(place);
      this.#hashes.delete(place);
    }
    this.writes.set(place, (this.writes.get(place) ?? 0) + 1);
    this.onChange(place, before, after);
  }
}

const texts = new WeakMap<object, string>();

/** A value as text, the same for equal values. Objects must not be changed any more. */
export function textOf(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? '';
  const known = texts.get(value);
  if (known !== undefined) return known;
  const text = textOfObject(value);
  texts.set(value, text);
  return text;
}

function textOfObject(value: object): string {
  if (Array.isArray(value)) return `[${value.map(textOf)}]`;
  if (value instanceof Set) return `{${[...value].map(textOf).sort()}}`;
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${name}:${textOf((value as Item)[name])}`)}}`;
}

function describe(name: string, input: Record<string, unknown>): TableCommand {
  const { pk, sk } = (input.Key ?? input.Item ?? {}) as Item;
  const values = (input.ExpressionAttributeValues ?? {}) as Item;
  const place = name === 'QueryCommand' ? String(values[':pk']) : `${pk}|${sk}`;
  return { name, input, place, isWrite: name !== 'QueryCommand' && name !== 'GetCommand' };
}

/** As the table stores it: without what is undefined. */
function plain(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || value instanceof Set) return value;
  if (Array.isArray(value)) return value.map(plain);
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([name, inner]) => [name, plain(inner)]));
}
