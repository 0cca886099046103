import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { grantEvents } from './event-bus.ts';
import { MinuteSchedule } from './minute-schedule.ts';
import type { MirrorTable } from './mirror-table.ts';
import { grantMirrorCleaning } from './registry-access.ts';
import { type FunctionDefaults, ServiceFunction } from './service-function.ts';

/** Settings of {@link Retention}: those that its function shares with the others, and the table. */
export interface RetentionProps extends FunctionDefaults {
  /** The table of mappings, which say what stays. */
  readonly table: MirrorTable;
}

/** What says which images stay, and what marks those that go. */
const imageItems = { keys: ['repo#*', 'repos', 'history#*', 'snapshot'] };
/** Which version the items have. */
const schemaItem = { keys: ['schema'] };
/** How far a pass has come, and what it did. */
const passItems = { keys: ['retention', 'retention#*'] };

/**
 * Deletes images that the rules with `retention` let go: the only function that may delete images.
 * It is only there if a rule says so.
 */
export class Retention extends Construct {
  readonly function: ServiceFunction['function'];

  constructor(scope: Construct, id: string, { table, ...defaults }: RetentionProps) {
    super(scope, id);
    const handler = new ServiceFunction(this, 'Handler', {
      name: 'retention',
      description: 'deletes images from the mirror that nobody needs any more',
      timeout: Duration.seconds(900),
      // What is known about the images of a large repository is held in memory, beside the 100 MB
      // that it starts with.
      memorySize: 1_024,
      ...defaults,
      environment: { ...defaults.environment, DRAYAGE_TABLE: table.table.tableName },
    });
    this.function = handler.function;
    table.grantItems(this.function, imageItems, 'GetItem', 'Query', 'PutItem', 'UpdateItem');
    table.grantItems(this.function, schemaItem, 'GetItem');
    table.grantItems(this.function, passItems, 'GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem');
    grantEvents(handler, this.function);
    grantMirrorCleaning(handler, this.function, defaults.config.mirror);
    new MinuteSchedule(this, 'EveryMinute', {
      target: this.function,
      description: 'deletes what the retention of mirror.yaml lets go, once a day',
    });
  }
}
