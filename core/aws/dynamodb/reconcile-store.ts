import { DeleteCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { DueRound, ReconcileStore } from '../../reconcile/ports.ts';
import {
  type FailingRound,
  isDue,
  never,
  type Place,
  type Round,
  type RoundsSummary,
  type Search,
} from '../../reconcile/round.ts';
import type { ItemKey } from './batch-get.ts';
import { DynamoLock } from './lock.ts';
import { readItem, type Table } from './table.ts';

/** What nobody compares any more is forgotten this long after it was due, in seconds. */
const keptSeconds = 90 * 24 * 3_600;
const lockKey: ItemKey = { pk: 'reconcile', sk: 'lock' };
const notePrefix = 'due#';
const failingPrefix = 'failing#';
/** Notes that are counted, and failing rounds that are read, at most. */
const mostCounted = 500;
const mostFailing = 20;
/** A failing round that was not tried again for so long is not told, in milliseconds. */
const staleMs = 2 * 24 * 3_600_000;

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
    await this.#set(roundKey(round), { round, ...expiry(round.dueAt) });
    const failing = await this.#noteFailing(round);
    await this.#removeNotes(
      round,
      done.filter((each) => each !== note && !failing.includes(each)),
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

  async summary(registry: string, now: string): Promise<RoundsSummary> {
    const [item, notes, failing] = await Promise.all([
      readItem(this.#table, searchKey(registry)),
      this.#notes(registry, { from: notePrefix, until: `${notePrefix}~`, limit: mostCounted }),
      this.#failing(registry),
    ]);
    const due = notes.filter((note) => timeOf(note) <= now).length;
    const next = notes[0] && timeOf(notes[0]);
    const stale = new Date(Date.parse(now) - staleMs).toISOString();
    return {
      search: item && searchOf(registry, item),
      due,
      ...(next !== undefined && next !== never && { nextDueAt: next }),
      ...(typeof item?.finishedAt === 'string' && { finishedAt: item.finishedAt }),
      failing: failing.filter(({ dueAt }) => dueAt > stale),
      isComplete: due < mostCounted && failing.length < mostFailing,
    };
  }

  async #failing(registry: string): Promise<FailingRound[]> {
    const { Items = [] } = await this.#table.client.send(
      new QueryCommand({
        TableName: this.#table.name,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': partitionOf(registry), ':prefix': failingPrefix },
        Limit: mostFailing,
      }),
    );
    return Items.map(({ repository, error, failures, dueAt }) => ({
      repository,
      error,
      failures,
      dueAt,
    })) as FailingRound[];
  }

  async request(place: Place, at: string): Promise<void> {
    await this.#putNote(place, noteOf(place, at));
    await this.#set(roundKey(place), { requestedAt: at });
  }

  async due(registry: string, now: string, limit: number): Promise<DueRound[]> {
    const due = new Map<string, DueRound>();
    let from = notePrefix;
    for (;;) {
      const notes = await this.#notes(registry, { from, until: `${notePrefix}${now}~`, limit });
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

  /** The sort keys of notes after one, up to a time. */
  async #notes(
    registry: string,
    { from, until, limit }: { from: string; until: string; limit: number },
  ): Promise<string[]> {
    const { Items = [] } = await this.#table.client.send(
      new QueryCommand({
        TableName: this.#table.name,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :until',
        ExpressionAttributeValues: {
          ':pk': partitionOf(registry),
          ':from': `${from}\u0000`,
          ':until': until,
        },
        ConsistentRead: true,
        Limit: limit,
      }),
    );
    return Items.map(({ sk }) => sk as string);
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

  /** Sets attributes; the item's others stay. */
  async #set(key: ItemKey, attributes: Record<string, unknown>): Promise<void> {
    const entries = Object.entries(attributes);
    await this.#table.client.send(
      new UpdateCommand({
        TableName: this.#table.name,
        Key: key,
        UpdateExpression: `SET ${entries.map((_, index) => `#a${index} = :a${index}`).join(', ')}`,
        ExpressionAttributeNames: Object.fromEntries(entries.map(([name], index) => [`#a${index}`, name])),
        ExpressionAttributeValues: Object.fromEntries(
          entries.map(([, value], index) => [`:a${index}`, value]),
        ),
      }),
    );
  }
}

function partitionOf(registry: string): string {
  return `reconcile#${registry}`;
}

function searchKey(registry: string): ItemKey {
  return { pk: partitionOf(registry), sk: 'search' };
}

function roundKey({ registry, repository }: Place): ItemKey {
  return { pk: partitionOf(registry), sk: `repository#${repository}` };
}

function noteOf({ repository }: Place, time: string): string {
  return `${notePrefix}${time}#${repository}`;
}

function timeOf(note: string): string {
  return note.split('#')[1] ?? '';
}

function repositoryOf(note: string): string {
  return note.split('#').slice(2).join('#');
}

function roundOf(place: Place, item: Record<string, unknown>): Round {
  const { round, requestedAt } = item as { round?: Round; requestedAt?: string };
  // Somebody asked before there was any round.
  return { ...place, dueAt: requestedAt ?? '', ...round, ...requested(item) };
}

/** Somebody may have asked before there was any search: it is due anyway. */
function searchOf(registry: string, item: Record<string, unknown>): Search {
  const none: Search = { registry, fingerprint: '', begunAt: '', nextAt: '' };
  return { ...none, ...(item.search as Search | undefined), ...requested(item) };
}

/** The note that says that a round fails, if it does. */
function failingNotes({ repository, failures = 0 }: Round): string[] {
  return failures > 0 ? [`${failingPrefix}${repository}`] : [];
}

function requested({ requestedAt }: Record<string, unknown>): { requestedAt?: string } {
  return typeof requestedAt === 'string' ? { requestedAt } : {};
}

function expiry(time: string): { expiresAt?: number } {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? {} : { expiresAt: Math.floor(ms / 1000) + keptSeconds };
}
