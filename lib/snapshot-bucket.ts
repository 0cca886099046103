import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { exportPrefix, snapshotKey } from '../core/exports/snapshot-store.ts';
import { acknowledge } from './acknowledge.ts';

/** Settings of {@link SnapshotBucket}. */
export interface SnapshotBucketProps {
  /**
   * What happens to the bucket when it is removed from the stack. With `DESTROY`, its objects are
   * deleted first.
   *
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE: it stays, unless its own first deployment
   *   fails
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * Holds the snapshot, the whole mapping as one object, and exports of it that are too large for an
 * answer. All of it can be made again from the table, so there are no versions.
 */
export class SnapshotBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { removalPolicy }: SnapshotBucketProps = {}) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: false,
      lifecycleRules: [
        { id: 'exports', prefix: exportPrefix, expiration: Duration.days(1) },
        { id: 'uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      removalPolicy: removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      // CloudFormation can't delete a bucket that holds anything.
      autoDeleteObjects: removalPolicy === RemovalPolicy.DESTROY,
    });
    acknowledge(
      this.bucket,
      'AwsSolutions-S1',
      'It holds nothing but what the API serves, whose access log names every caller; downloads need an address that the API has signed a few minutes before.',
    );
  }

  /** Allow to read the snapshot, and to replace it. */
  grantWrite(grantee: IGrantable): void {
    this.#grant(grantee, snapshotKey, 'GetObject', 'PutObject');
  }

  /**
   * Allow to read the snapshot, and to make exports of it.
   *
   * @param scope a construct that holds the grantee's policy; the accepted cdk-nag finding is
   *   recorded there
   */
  grantExport(scope: Construct, grantee: IGrantable): void {
    this.#grant(grantee, snapshotKey, 'GetObject');
    this.#grant(grantee, `${exportPrefix}*`, 'GetObject', 'PutObject');
    const bucket = Stack.of(this).getLogicalId(this.bucket.node.defaultChild as CfnBucket);
    acknowledge(
      scope,
      `AwsSolutions-IAM5[Resource::<${bucket}.Arn>/${exportPrefix}*]`,
      'The names of exports are made of the version of the snapshot, the format and the filter, so only their prefix is known at deployment.',
    );
  }

  #grant(grantee: IGrantable, key: string, ...actions: ('GetObject' | 'PutObject')[]): void {
    const { bucketArn } = this.bucket;
    for (const statement of [
      new PolicyStatement({
        actions: actions.map((action) => `s3:${action}`),
        resources: [`${bucketArn}/${key}`],
      }),
      // Without it, S3 answers 403 where an object is missing.
      // https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
      new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucketArn] }),
    ])
      grantee.grantPrincipal.addToPrincipalPolicy(statement);
  }
}
