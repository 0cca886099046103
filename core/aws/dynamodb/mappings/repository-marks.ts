import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { ImageKey } from '../../../mapping/record.ts';
import { queryPages, readItem, type Table } from '../table.ts';

type Repository = Pick<ImageKey, 'registry' | 'repository'>;

/** Marks which upstream repositories have mappings, and which mirror repository holds them. */
export class RepositoryMarks {
  readonly #table: Table;
  /** Those that this process has marked: marks are never deleted. */
  readonly #marked = new Set<string>();

  constructor(table: Table) {
    this.#table = table;
  }

  /** Before the first publication of a repository, so that no list misses it. */
  async note({ registry, repository }: Repository, mirrorRepository: string): Promise<void> {
    const name = `${registry}/${repository}`;
    const marked = `${name} ${mirrorRepository}`;
    if (this.#marked.has(marked)) return;
    await Promise.all([
      this.#put({ pk: 'repos', sk: name }),
      this.#put({ pk: 'mirrors', sk: mirrorRepository, registry, repository }),
    ]);
    this.#marked.add(marked);
  }

  async upstreamOf(mirrorRepository: string): Promise<Repository | undefined> {
    const item = await readItem(this.#table, { pk: 'mirrors', sk: mirrorRepository });
    return item && { registry: item.registry as string, repository: item.repository as string };
  }

  async #put(Item: Record<string, unknown>): Promise<void> {
    await this.#table.client.send(new PutCommand({ TableName: this.#table.name, Item }));
  }
}

/** The repositories of a registry that are marked, in order. */
export async function* repositoriesOf(table: Table, registry: string): AsyncGenerator<string> {
  const prefix = `${registry}/`;
  const pages = queryPages(table, {
    KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
    ExpressionAttributeValues: { ':pk': 'repos', ':prefix': prefix },
  });
  for await (const items of pages) for (const { sk } of items) yield (sk as string).slice(prefix.length);
}
