import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AttributeType, BillingMode, type ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/** The item operations that the store uses; each function is granted only those that it needs. */
export type TableAction = 'GetItem' | 'BatchGetItem' | 'Query' | 'PutItem' | 'UpdateItem' | 'DeleteItem';

/**
 * What DynamoDB does with a table's customer managed key in the name of its caller.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
 */
export const tableKeyActions: readonly string[] = [
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:Decrypt',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
  'kms:GenerateDataKey',
];

/** Settings of {@link MirrorTable}. */
export interface MirrorTableProps {
  /**
   * A table to use instead of a new one, for example one that was restored from a backup. Its keys
   * are the strings `pk` and `sk`, and its time-to-live attribute is `expiresAt`.
   *
   * @default - a new table
   */
  readonly table?: ITable;
  /**
   * What happens to a new table when it is removed from the stack. A table that stays is also
   * protected against deletion by anybody else, until an operator turns that off.
   *
   * @default RemovalPolicy.RETAIN: it stays, also if its own first deployment fails: CloudFormation
   *   could not delete a protected table, and an empty one costs nothing
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** The items that a grant covers; by default all items of the table. */
export interface ItemScope {
  /** Patterns of partition keys: `jobs#*`. */
  readonly keys: string[];
  /**
   * The only attributes that a request may name, besides the keys; it may return only what it has
   * written.
   *
   * @default - any
   */
  readonly attributes?: string[];
}

/**
 * The one table: mappings, jobs, tag counters and leases, distinguished by the prefixes of `pk` and
 * `sk`. It is used with conditional writes and strongly consistent reads of base-table items. It
 * has no index: an index is eventually consistent, and without one nobody can rely on it by
 * mistake.
 */
export class MirrorTable extends Construct {
  readonly table: ITable;

  constructor(scope: Construct, id: string, props: MirrorTableProps = {}) {
    super(scope, id);
    this.table =
      props.table ??
      new Table(this, 'Table', {
        partitionKey: { name: 'pk', type: AttributeType.STRING },
        sortKey: { name: 'sk', type: AttributeType.STRING },
        billingMode: BillingMode.PAY_PER_REQUEST,
        timeToLiveAttribute: 'expiresAt',
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
        removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
        // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html#WorkingWithTables.Basics.DeletionProtection
        deletionProtection: props.removalPolicy === undefined || props.removalPolicy === RemovalPolicy.RETAIN,
      });
  }

  /** Allow item operations on the table, but nothing on indexes or streams: it has none. */
  grant(grantee: IGrantable, ...actions: TableAction[]): void {
    this.#grantKey(grantee);
    this.table.grant(grantee, ...actions.map((action) => `dynamodb:${action}`));
  }

  /**
   * Allow item operations on only some of the items.
   * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
   */
  grantItems(grantee: IGrantable, { keys, attributes }: ItemScope, ...actions: TableAction[]): void {
    this.#grantKey(grantee);
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: actions.map((action) => `dynamodb:${action}`),
        resources: [this.table.tableArn],
        conditions: {
          'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys },
          ...(attributes && {
            'ForAllValues:StringEquals': { 'dynamodb:Attributes': ['pk', 'sk', ...attributes] },
            StringEqualsIfExists: { 'dynamodb:ReturnValues': ['NONE', 'UPDATED_OLD', 'UPDATED_NEW'] },
          }),
        },
      }),
    );
  }
  /**
   * DynamoDB uses a customer managed key with the permissions of the table's caller; the CDK's
   * `grant` does not grant them. Only a table that was passed in has such a key.
   * https://github.com/aws/aws-cdk/pull/7425
   */
  #grantKey(grantee: IGrantable): void {
    const key = this.table.encryptionKey;
    if (key === undefined) return;
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: [...tableKeyActions],
        resources: [key.keyArn],
        conditions: { StringEquals: { 'kms:ViaService': `dynamodb.${Stack.of(this).region}.amazonaws.com` } },
      }),
    );
  }
}
