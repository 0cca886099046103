import { DynamoMappingStore } from '../../core/aws/dynamodb/mappings/mapping-store.ts';
import { guardWrites, SchemaGuard } from '../../core/aws/dynamodb/schema/guard.ts';
import { openTable, type Table } from '../../core/aws/dynamodb/table.ts';
import type { Config } from '../../core/config/config.ts';
import type { MappingStore } from '../../core/mapping/store.ts';
import { Environment, EnvironmentError } from './environment.ts';

/**
 * What every function needs, as configured by its environment. Each part is opened when it is first
 * used, and kept as long as the deployment object lives.
 *
 * A bundle contains everything that the getters of its class refer to, used or not. So what only
 * some functions need is in a separate class that extends this one.
 */
export class TableDeployment {
  protected readonly environment: Environment;
  readonly #opened = new Map<string, unknown>();

  /** @param env `process.env`, or in a test a plain object; it is not read yet. */
  constructor(env: NodeJS.ProcessEnv) {
    this.environment = new Environment(env);
  }

  get config(): Config {
    return this.once('config', () => this.environment.config());
  }

  /** The region into which this deployment mirrors. */
  get region(): string {
    const [region] = this.config.mirror.regions;
    if (region) return region;
    throw new EnvironmentError(
      'mirror.regions of the configuration is empty: name the region to mirror into',
    );
  }

  get mappings(): MappingStore {
    return this.once('mappings', () => {
      const { table, config } = this;
      return new DynamoMappingStore(table, { historySeconds: config.mirror.historySeconds });
    });
  }

  protected get table(): Table {
    return this.guardedTable.table;
  }

  /** Knows which version the table's items have. */
  protected get schema(): SchemaGuard {
    return this.guardedTable.guard;
  }

  /** A table that a later release has changed is not written to. */
  private get guardedTable(): { table: Table; guard: SchemaGuard } {
    return this.once('table', () => {
      const table = openTable(this.environment.text('DRAYAGE_TABLE'));
      const guard = new SchemaGuard(table);
      guardWrites(table, guard);
      return { table, guard };
    });
  }

  /** Creates a part on first use. If that fails, the next use tries again. */
  protected once<T>(part: string, make: () => T): T {
    if (!this.#opened.has(part)) this.#opened.set(part, make());
    return this.#opened.get(part) as T;
  }
}
