import { DeleteCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { DueRound, ReconcileStore } from '../../reconcile/ports.ts';
import { isDue, type Place, type Round, type RoundsSummary, type Search } from '../../reconcile/round.ts';
import type { ItemKey } from './batch-get.ts';
import { DynamoLock } from './lock.ts';
import {
  expiry,
  failingNotes,
  noteOf,
  notePrefix,
  partitionOf,
  repositoryOf,
  roundKey,
  roundOf,
  searchKey,
  searchOf,
  timeOf,
} from './rounds/keys.ts';
import { notesOf, summarizeRounds } from './rounds/summarize-rounds.ts';
import { readItem, type Table } from './table.ts';

const lockKey: ItemKey = { pk: 'reconcile', sk: 'lock' };

/**
 * Rounds on DynamoDB. The notes of an upstream are one range of its partition, so that a closed
 * upstream holds up no other.
 */
export class DynamoReconcileStore implements ReconcileStore {
  readonly #table: Table;
  readonly #lock: DynamoLock;

  constructor(table: Table) {
    this.#table = table;
    this.#lock = new DynamoLock(table, lockKey);
  }

  lock(owner: string, ttlMs: number, now: Date): Promise<boolean> {
    return this.#lock.lock(owner, ttlMs, now);
  }

  unlock(owner: string): Promise<void> {
    return this.#lock.unlock(owner);
  }

  async readSearch(registry: string): Promise<Search | undefined> {
    const item = await readItem(this.#table, searchKey(registry));
    return item && searchOf(registry, item);
  }

  async saveSearch({ requestedAt: _stays, ...search }: Search): Promise<void> {
    await this.#set(searchKey(search.registry), { search });
  }

  async requestSearch(registry: string, at: string): Promise<void> {
    await this.#set(searchKey(registry), { requestedAt: at });
  }

  async read(place: Place): Promise<Round | undefined> {
    const item = await readItem(this.#table, roundKey(place));
    return item && roundOf(place, item);
  }

  async save({ requestedAt: _stays, ...round }: Round, done: readonly string[] = []): Promise<void> {
    const note = noteOf(round, round.dueAt);
    // The note first: without it, nobody would find the record. An earlier note leads to the record
    // as well, until the record says otherwise.
    await this.#putNote(round, note);
    const before = (await this.#set(roundKey(round), { round, ...expiry(round.dueAt) }))?.round;
    const failing = await this.#noteFailing(round);
    await this.#removeNotes(
      round,
      [...done, ...(before ? failingNotes(before as Round) : [])].filter(
        (each) => each !== note && !failing.includes(each),
      ),
    );
  }

  /** Puts the note that a round fails, if it does. @returns its sort key */
  async #noteFailing(round: Round): Promise<string[]> {
    const { registry, repository, error, failures, dueAt } = round;
    const [sk] = failingNotes(round);
    if (sk === undefined) return [];
    const Item = { pk: partitionOf(registry), sk, repository, error, failures, dueAt, ...expiry(dueAt) };
    await this.#table.client.send(new PutCommand({ TableName: this.#table.name, Item }));
    return [sk];
  }

  async noteFinished(registry: string, at: string): Promise<void> {
    await this.#set(searchKey(registry), { finishedAt: at });
  }

  summary(registry: string, now: string): Promise<RoundsSummary> {
    return summarizeRounds(this.#table, registry, now);
  }

  async request(place: Place, at: string): Promise<void> {
    const note = noteOf(place, at);
    // The note first, as always. A walk that comes in between removes it, since nothing confirms
    // it.
    await this.#putNote(place, note);
    await this.#set(roundKey(place), { requestedAt: at });
    await this.#putNote(place, note);
  }

  async due(registry: string, now: string, limit: number): Promise<DueRound[]> {
    const due = new Map<string, DueRound>();
    let from = notePrefix;
    for (;;) {
      const notes = await notesOf(this.#table, registry, { from, until: `${notePrefix}${now}~`, limit });
      for (const note of notes) {
        const place = { registry, repository: repositoryOf(note) };
        const known = due.get(place.repository);
        const round = known?.round ?? (await this.read(place));
        if (known) known.notes.push(note);
        else if (round && isDue(round, now))
          due.set(place.repository, { round, notes: [note, ...failingNotes(round)] });
        else await this.#removeNotes(place, [note]);
      }
      from = notes.at(-1) ?? from;
      if (notes.length < limit || due.size >= limit) return [...due.values()];
    }
  }

  async forget({ round, notes }: DueRound): Promise<void> {
    const { name: TableName, client } = this.#table;
    await client.send(new DeleteCommand({ TableName, Key: roundKey(round) }));
    await this.#removeNotes(round, notes);
  }

  async #putNote({ registry }: Place, note: string): Promise<void> {
    const Item = { pk: partitionOf(registry), sk: note, ...expiry(timeOf(note)) };
    await this.#table.client.send(new PutCommand({ TableName: this.#table.name, Item }));
  }

  async #removeNotes({ registry }: Place, notes: readonly string[]): Promise<void> {
    const { name: TableName, client } = this.#table;
    await Promise.all(
      notes.map((sk) =>
        client.send(new DeleteCommand({ TableName, Key: { pk: partitionOf(registry), sk } })),
      ),
    );
  }

  /** Sets attributes; the item's others stay. @returns what they were before */
  async #set(
    key: ItemKey,
    attributes: Record<string, unknown>,
  ): Promise<Record<string, unknown> | undefined> {
    const entries = Object.entries(attributes);
    const { Attributes } = await this.#table.client.send(
      new UpdateCommand({
        TableName: this.#table.name,
        Key: key,
        ReturnValues: 'UPDATED_OLD',
        UpdateExpression: `SET ${entries.map((_, index) => `#a${index} = :a${index}`).join(', ')}`,
        ExpressionAttributeNames: Object.fromEntries(entries.map(([name], index) => [`#a${index}`, name])),
        ExpressionAttributeValues: Object.fromEntries(
          entries.map(([, value], index) => [`:a${index}`, value]),
        ),
      }),
    );
    return Attributes;
  }
}
