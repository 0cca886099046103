import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/** The item operations that the store uses; each function is granted those that it needs and no others. */
export type TableAction = 'GetItem' | 'BatchGetItem' | 'Query' | 'PutItem' | 'UpdateItem' | 'DeleteItem';

/** Settings of {@link MirrorTable}. */
export interface MirrorTableProps {
  /**
   * What becomes of the table when it leaves the stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * The one table: mappings, jobs, tag counters and leases, told apart by the prefixes of `pk` and `sk`. It is used
 * with conditional writes and strongly consistent reads of base-table items, so it has no index: an index is
 * eventually consistent, and nobody can then build on it by mistake.
 */
export class MirrorTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, props: MirrorTableProps = {}) {
    super(scope, id);
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expiresAt',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
    });
  }

  /** Allow item operations on the table, and nothing on any index or stream: it has none. */
  grant(grantee: IGrantable, ...actions: TableAction[]): void {
    this.table.grant(grantee, ...actions.map((action) => `dynamodb:${action}`));
  }
}
